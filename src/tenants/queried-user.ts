/**
 * The users of a tenant whose passwords come from its `auth_query`: every role of its database is one. Those that
 * are listed have limits and perhaps an alias of their own, the others the tenant's.
 */

import { isName } from "./field-schemas.ts";
import type { Tenant } from "./tenant.ts";
import { type TenantUser, tenantUserSchema } from "./tenant-user.ts";

/** Returns the role that the login name `name` stands for. */
export function queriedRole(listed: TenantUser | null, name: string): string {
  return listed?.db_user ?? name;
}

/** Returns the user of that login name with its secret; null: no user can be called so. */
export function queriedUser(
  listed: TenantUser | null,
  name: string,
  secret: string | null,
): TenantUser | null {
  if (listed === null && !isName(name)) return null;
  const user = listed ?? tenantUserSchema.parse({ db_user: name });
  return { ...user, db_password: secret, db_password_previous: null, previous_valid_until: null };
}

/** Returns the user whose pools have this alias; null: the tenant has no such user any more. */
export function poolUser(tenant: Tenant, alias: string): TenantUser | null {
  const listed = tenant.users.find((user) => user.db_user_alias === alias) ?? null;
  return listed !== null || tenant.require_user ? listed : queriedUser(null, alias, null);
}

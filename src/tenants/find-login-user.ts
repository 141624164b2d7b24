/**
 * Which record of a tenant a login name belongs to, and where its password comes from.
 */

import type { Tenant } from "./tenant.ts";
import type { TenantUser } from "./tenant-user.ts";

export type LoginUser =
  /** The password is `user.db_password`; servers are opened as `user.db_user`. */
  { readonly source: "store"; readonly user: TenantUser } | QueriedLogin;

/** The secret comes from the tenant's `auth_query`, run as `manager`; `user` has limits, if listed. */
export interface QueriedLogin {
  readonly source: "auth_query";
  readonly manager: TenantUser;
  readonly user: TenantUser | null;
}

/** Returns null if nobody of that name may log in. */
export function findLoginUser(tenant: Tenant, login: string): LoginUser | null {
  const user = findListedUser(tenant.users, login);
  if (tenant.require_user) return user === null ? null : { source: "store", user };
  const manager = tenant.users.find((candidate) => candidate.is_manager);
  return manager === undefined ? null : { source: "auth_query", manager, user };
}

/**
 * By alias, which is unique; else by role, as Supavisor does, if only one record has it. (Two
 * aliases of one role, say with pools of their own, leave its plain name to neither.)
 */
function findListedUser(users: readonly TenantUser[], login: string): TenantUser | null {
  const byAlias = users.find((user) => user.db_user_alias === login);
  if (byAlias !== undefined) return byAlias;
  const [first, second] = users.filter((user) => user.db_user === login);
  return first !== undefined && second === undefined ? first : null;
}

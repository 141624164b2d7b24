/**
 * What may be shown of a tenant: everything but its secrets. As in Supavisor's API, certificates are
 * not shown either.
 */

import type { StoredTenant } from "../tenants/tenant.ts";
import type { TenantUser } from "../tenants/tenant-user.ts";

export type PublicTenantUser = Omit<TenantUser, "db_password" | "db_password_previous">;

export interface PublicTenant extends Omit<StoredTenant, "users" | "upstream_tls_ca"> {
  readonly users: readonly PublicTenantUser[];
}

/** Takes passwords, and certificates, out of a tenant. */
export function toPublicTenant(tenant: StoredTenant): PublicTenant {
  const { users, upstream_tls_ca: _certificates, ...rest } = tenant;
  return { ...rest, users: users.map(toPublicUser) };
}

function toPublicUser(user: TenantUser): PublicTenantUser {
  const { db_password: _password, db_password_previous: _previous, ...rest } = user;
  return rest;
}

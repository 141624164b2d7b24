/**
 * `carpool tenants`: who is in the store, as a table or as JSON. Passwords are in neither.
 */

import type { StoredTenant } from "../tenants/tenant.ts";
import { allTenants, type TenantStore } from "../tenants/tenant-store.ts";
import type { TenantUser } from "../tenants/tenant-user.ts";

export type PublicTenantUser = Omit<TenantUser, "db_password">;

/** What may be shown of a tenant: as Supavisor's API does, without `upstream_tls_ca`. */
export interface PublicTenant extends Omit<StoredTenant, "users" | "upstream_tls_ca"> {
  readonly users: readonly PublicTenantUser[];
}

const COLUMNS: readonly (readonly [title: string, cell: (tenant: StoredTenant) => string])[] = [
  ["TENANT", (tenant) => tenant.external_id],
  ["DATABASE", (tenant) => `${address(tenant)}/${tenant.db_database}`],
  ["USERS", (tenant) => (tenant.require_user ? String(tenant.users.length) : "auth_query")],
  ["POOL", (tenant) => String(tenant.default_pool_size)],
  ["CLIENTS", (tenant) => String(tenant.default_max_clients)],
  ["SNI", (tenant) => tenant.sni_hostname ?? ""],
  ["BANNED", (tenant) => (tenant.banned_at === null ? "" : (tenant.banned_until ?? "yes"))],
];

/** Returns a table with a line for each tenant, or a sentence if there is none. */
export async function renderTenantTable(store: TenantStore): Promise<string> {
  const rows: string[][] = [];
  for await (const tenant of allTenants(store)) rows.push(COLUMNS.map(([, cell]) => cell(tenant)));
  if (rows.length === 0) return 'there are no tenants yet: "carpool apply FILE" puts them in';
  const table = [COLUMNS.map(([title]) => title), ...rows];
  const widths = COLUMNS.map((_, column) =>
    table.reduce((width, row) => Math.max(width, row[column]?.length ?? 0), 0),
  );
  return table
    .map((row) => row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join("  "))
    .map((line) => line.trimEnd())
    .join("\n");
}

/** Returns every tenant, without what must not be shown. */
export async function listTenants(store: TenantStore): Promise<readonly PublicTenant[]> {
  return Array.fromAsync(allTenants(store), toPublicTenant);
}

/** Takes passwords, and certificates, out of a tenant. */
export function toPublicTenant(tenant: StoredTenant): PublicTenant {
  const { users, upstream_tls_ca: _certificates, ...rest } = tenant;
  return { ...rest, users: users.map(({ db_password: _password, ...user }) => user) };
}

function address({ db_host, db_port }: StoredTenant): string {
  return db_host.includes(":") ? `[${db_host}]:${db_port}` : `${db_host}:${db_port}`;
}

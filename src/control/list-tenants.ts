/**
 * `carpool tenants`: who is in the store, as a table or as JSON. Passwords are in neither.
 */

import type { StoredTenant } from "../tenants/tenant.ts";
import { allTenants, type TenantStore } from "../tenants/tenant-store.ts";
import { type PublicTenant, toPublicTenant } from "./public-tenant.ts";

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

function address({ db_host, db_port }: StoredTenant): string {
  return db_host.includes(":") ? `[${db_host}]:${db_port}` : `${db_host}:${db_port}`;
}

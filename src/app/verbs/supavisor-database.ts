/**
 * Reads Supavisor's metadata database, schema `_supavisor`, as it is at one moment.
 */

import { Client } from "pg";
import { errorMessage } from "../../base/error-message.ts";
import type { SupavisorRow, SupavisorRows } from "../../control/supavisor/supavisor-rows.ts";
import { asLibpqReadsIt } from "../../tenants/postgres-tenant-store.ts";

const CONNECT_TIMEOUT_MS = 10_000;
/** A hundred thousand tenants take seconds. */
const STATEMENT_TIMEOUT_MS = 120_000;

/** By the order in which they come out: a row's name, then its age. */
const TABLES = {
  tenants: "external_id",
  users: "tenant_external_id, inserted_at, id",
  clusters: "alias",
  cluster_tenants: "cluster_alias, inserted_at, id",
} as const;

/** Supavisor's database cannot be read. */
export class SupavisorDatabaseError extends Error {
  override readonly name = "SupavisorDatabaseError";

  constructor(cause: unknown) {
    super(`Supavisor's database cannot be read: ${errorMessage(cause)}`, { cause });
  }
}

/** Returns all rows. `url` is Supavisor's DATABASE_URL, which may begin with `ecto:`. Writes nothing. */
export async function readSupavisor(url: string): Promise<SupavisorRows> {
  try {
    const client = new Client({
      connectionString: asLibpqReadsIt(url.replace(/^ecto:/, "postgres:")),
      application_name: "carpool import",
      connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
      query_timeout: STATEMENT_TIMEOUT_MS,
    });
    client.on("error", () => {
      // It is told by the query that fails for it.
    });
    return await readAll(client);
  } catch (error) {
    throw new SupavisorDatabaseError(error);
  }
}

async function readAll(client: Client): Promise<SupavisorRows> {
  await client.connect();
  try {
    await client.query("begin isolation level repeatable read read only");
    const [tenants, users, clusters, clusterTenants] = [
      await readTable(client, "tenants"),
      await readTable(client, "users"),
      await readTable(client, "clusters"),
      await readTable(client, "cluster_tenants"),
    ];
    return { tenants, users, clusters, clusterTenants };
  } finally {
    await client.end();
  }
}

/** None where there is no such table: clusters came with version 1.1. */
async function readTable(client: Client, table: keyof typeof TABLES): Promise<SupavisorRow[]> {
  const found = await client.query<{ there: boolean }>(
    "select to_regclass($1) is not null as there",
    [`_supavisor.${table}`],
  );
  if (found.rows[0]?.there !== true) {
    if (table === "tenants" || table === "users")
      throw new Error(`it has no table _supavisor.${table}`);
    return [];
  }
  const { rows } = await client.query<{ row: SupavisorRow }>(
    `select to_jsonb(t) as row from _supavisor.${table} t order by ${TABLES[table]}`,
  );
  return rows.map(({ row }) => row);
}

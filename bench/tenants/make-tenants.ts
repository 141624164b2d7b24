/**
 * A store full of tenants, for the tenants bench.
 */

import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import type { Tenant } from "../../src/tenants/tenant.ts";
import { validateTenant } from "../../src/tenants/validate-tenant.ts";
import { type Database, startDatabase } from "../embedded-database.ts";
import { openBenchStore, tenantName } from "./bench-store.ts";

const TENANTS_PER_WRITE = 1000;
const CONNECTIONS_MAX = 20;

export interface FilledStore extends AsyncDisposable {
  /** As DATABASE_URL has it. */
  readonly url: string;
  readonly writeMs: number;
}

/** Makes a store with `count` tenants, each with a user and a host name. It is gone after its scope. */
export async function makeTenants(
  kind: "SQLite" | "PostgreSQL",
  folder: string,
  count: number,
): Promise<FilledStore> {
  const home = join(folder, kind);
  await mkdir(home, { mode: 0o755 });
  const database = kind === "PostgreSQL" ? await startDatabase(home, CONNECTIONS_MAX) : null;
  const url = database === null ? `sqlite:${join(home, "tenants.db")}` : urlOf(database);
  const begin = performance.now();
  await fill(url, home, count);
  const writeMs = performance.now() - begin;
  return { url, writeMs, [Symbol.asyncDispose]: async () => database?.[Symbol.asyncDispose]() };
}

function urlOf({ target: { user, password, host, port, database } }: Database): string {
  return `postgres://${user}:${password}@${host}:${port}/${database}`;
}

async function fill(url: string, folder: string, count: number): Promise<void> {
  const store = await openBenchStore(url, folder);
  for (let first = 0; first < count; first += TENANTS_PER_WRITE) {
    const length = Math.min(TENANTS_PER_WRITE, count - first);
    await store.write(
      Array.from({ length }, (_, index) => ({ kind: "put", tenant: makeTenant(first + index) })),
    );
  }
  await store.close();
}

function makeTenant(index: number): Tenant {
  const name = tenantName(index);
  const result = validateTenant(
    {
      external_id: name,
      db_host: `${name}.db.example.com`,
      db_port: 5432,
      db_database: "postgres",
      sni_hostname: `${index}.pool.example.com`,
      users: [{ db_user: "app", db_password: `password of ${name}` }],
    },
    { globalUpstreamCa: false },
  );
  if (!result.ok) throw new Error(JSON.stringify(result.problems));
  return result.value;
}

/**
 * min_pool_size and reserve_pool_size, as PostgreSQL counts the connections.
 */

import { afterAll, afterEach, beforeAll, expect, test } from "bun:test";
import { Client } from "pg";
import { eventually } from "../../support/eventually.ts";
import type { TestPoolerOptions } from "../../support/pooler.ts";
import { startPooler, type TestPooler } from "../../support/pooler.ts";
import { startPostgres, type TestPostgres } from "../../support/postgres.ts";

let postgres: TestPostgres;
let pooler: TestPooler;
const clients: Client[] = [];

beforeAll(async () => {
  postgres = await startPostgres();
});
afterAll(async () => {
  await postgres[Symbol.asyncDispose]();
});
afterEach(async () => {
  await Promise.all(clients.splice(0).map((client) => client.end().catch(() => null)));
  await pooler[Symbol.asyncDispose]();
});

async function start(options: TestPoolerOptions): Promise<void> {
  pooler = await startPooler(postgres, options);
}

async function connect(tenant = "dev"): Promise<Client> {
  const client = new Client(pooler.target("transaction", tenant));
  clients.push(client);
  await client.connect();
  return client;
}

async function servers(): Promise<number> {
  const rows = await postgres.query(
    "select count(*)::int as n from pg_stat_activity where backend_type = 'client backend' and pid <> pg_backend_pid()",
  );
  return Number(rows[0]?.["n"]);
}

test("keeps a pool's minimum open beyond the idle timeout, after its clients have left", async () => {
  await start({
    config: { serverIdleTimeoutMs: 200, minPoolSize: 2 },
    tenant: { default_pool_size: 4 },
  });
  const client = await connect();
  await client.query("select 1");
  await eventually(async () => expect(await servers()).toBe(2));
  await client.end();
  await Bun.sleep(600);
  expect(await servers()).toBe(2);
});

test("opens no more than the pool size for a minimum above it, and none for another tenant", async () => {
  await start({ tenant: { default_pool_size: 2, min_pool_size: 50 } });
  await pooler.putTenant({ external_id: "other" });
  await connect();
  await eventually(async () => expect(await servers()).toBe(2));
  await (await connect("other")).query("select 1");
  expect(await servers()).toBe(3);
});

test("lets go of the minimum of a tenant that is deleted", async () => {
  await start({ config: { serverIdleTimeoutMs: 200, minPoolSize: 2 } });
  await (await connect()).end();
  await eventually(async () => expect(await servers()).toBe(2));
  await pooler.store.write([{ kind: "delete", externalId: "dev" }]);
  await eventually(async () => expect(await servers()).toBe(0));
  // PostgreSQL has closed a moment before the pooler hears of it.
  await eventually(() => expect(pooler.pooler.tenantsInUse).toBe(0));
});

test("opens the reserve for a client that waits too long, and closes it again", async () => {
  await start({
    config: { reservePoolSize: 1, reservePoolTimeoutMs: 300 },
    tenant: { default_pool_size: 1 },
  });
  const [holder, waiter] = [await connect(), await connect()];
  await holder.query("begin");
  const sinceMs = performance.now();
  const { rows } = await waiter.query("select 1 as one");
  expect(rows).toEqual([{ one: 1 }]);
  expect(performance.now() - sinceMs).toBeGreaterThan(290);
  await holder.query("commit");
  await eventually(async () => expect(await servers()).toBe(1));
});

test("opens a reserve of the user's own size and patience, and none for another tenant", async () => {
  const user = { db_user: "postgres", db_password: postgres.password };
  await start({ tenant: { default_pool_size: 1 } });
  await pooler.putTenant({
    external_id: "own",
    default_pool_size: 1,
    reserve_pool_size: 5,
    reserve_pool_timeout: 60_000,
    users: [{ ...user, reserve_pool_size: 1, reserve_pool_timeout: 300 }],
  });
  const own = [await connect("own"), await connect("own"), await connect("own")];
  const [holder, waiter] = [await connect(), await connect()];
  await holder.query("begin");
  // oxlint-disable-next-line no-await-in-loop -- the second one gets the reserve
  for (const client of own.slice(0, 2)) await client.query("begin");
  const answered: string[] = [];
  const third = own[2]?.query("select 1").then(() => answered.push("own"));
  const other = waiter.query("select 1").then(() => answered.push("other"));
  await Bun.sleep(900);
  expect(answered).toEqual([]);
  expect(await servers()).toBe(3);
  await own[0]?.query("commit");
  await third;
  await holder.query("commit");
  await other;
});

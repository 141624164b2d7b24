/**
 * default_pool_strategy: which of several idle servers a client is lent, by their backends' pids.
 */

import { afterAll, beforeAll, expect, test } from "bun:test";
import { Client } from "pg";
import { eventually } from "../../support/eventually.ts";
import { startPooler, type TestPooler } from "../../support/pooler.ts";
import { startPostgres, type TestPostgres } from "../../support/postgres.ts";

const SERVERS = 3;

let postgres: TestPostgres;

beforeAll(async () => {
  postgres = await startPostgres();
});
afterAll(async () => {
  await postgres[Symbol.asyncDispose]();
});

async function connect(pooler: TestPooler): Promise<Client> {
  const client = new Client(pooler.target());
  await client.connect();
  return client;
}

async function pidOf(client: Client): Promise<number> {
  const { rows } = await client.query<{ pid: number }>("select pg_backend_pid() as pid");
  return rows[0]?.pid ?? 0;
}

/** Has all of the pool's servers opened, and idle. */
async function warmUp(pooler: TestPooler): Promise<void> {
  const clients = await Promise.all(Array.from({ length: SERVERS }, () => connect(pooler)));
  await Promise.all(clients.map((client) => client.query("begin")));
  for (const client of clients) {
    // oxlint-disable-next-line no-await-in-loop -- one comes to rest after the other
    await client.query("commit");
  }
  await Promise.all(clients.map((client) => client.end()));
}

/** The backends of that many transactions, one after the other. */
async function pidsOf(client: Client, count: number): Promise<number[]> {
  const pids: number[] = [];
  for (let turn = 0; turn < count; turn += 1) {
    // oxlint-disable-next-line no-await-in-loop -- one after the other
    pids.push(await pidOf(client));
  }
  return pids;
}

test("fifo goes round over all idle servers", async () => {
  await using pooler = await startPooler(postgres, { tenant: { default_pool_size: SERVERS } });
  await warmUp(pooler);
  const client = await connect(pooler);
  const pids = await pidsOf(client, SERVERS * 2);
  expect(new Set(pids).size).toBe(SERVERS);
  expect(pids.slice(SERVERS)).toEqual(pids.slice(0, SERVERS));
  await client.end();
});

test("lifo stays with the one used last", async () => {
  await using pooler = await startPooler(postgres, {
    tenant: { default_pool_size: SERVERS, default_pool_strategy: "lifo" },
  });
  await warmUp(pooler);
  const client = await connect(pooler);
  expect(new Set(await pidsOf(client, SERVERS * 2)).size).toBe(1);
  await client.end();
});

test("a change holds for servers that are idle already", async () => {
  await using pooler = await startPooler(postgres, { tenant: { default_pool_size: SERVERS } });
  await warmUp(pooler);
  const client = await connect(pooler);
  const before = await pidsOf(client, SERVERS);
  await pooler.putTenant({ default_pool_size: SERVERS, default_pool_strategy: "lifo" });
  await eventually(async () => expect(new Set(await pidsOf(client, SERVERS)).size).toBe(1));
  expect(before).toContain(await pidOf(client));
  await client.end();
});

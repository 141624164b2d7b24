/**
 * Descriptors of the workers of a node: what clients could take, and don't, is there for servers, and the other way
 * round. Each worker may open so few files that it matters.
 */

import { afterAll, beforeAll, expect, test } from "bun:test";
import { eventually } from "../../support/eventually.ts";
import { query } from "../../support/frontend-messages.ts";
import { startPostgres, type TestPostgres } from "../../support/postgres.ts";
import { RawClient } from "../../support/raw-client.ts";
import { SpawnedPooler } from "../limits/spawned-pooler.ts";

/** 64 more than what is kept for files, cancels, and those to be refused. */
const DESCRIPTORS = 272;
const USABLE = 64;
const WORKERS = 3;
/** Each worker has an equal part for sure, and three quarters of what it may open where others do not want theirs. */
const MAX_CONNECTIONS = 90;
const EQUAL_PART = MAX_CONNECTIONS / WORKERS;
const SERVERS_MAX = USABLE - EQUAL_PART;

let postgres: TestPostgres;

beforeAll(async () => {
  postgres = await startPostgres();
});
afterAll(async () => {
  await postgres[Symbol.asyncDispose]();
});

function start(): Promise<SpawnedPooler> {
  const user = { db_user: "postgres", db_password: postgres.password, pool_checkout_timeout: 2000 };
  return SpawnedPooler.start(postgres, {
    descriptors: DESCRIPTORS,
    environment: { MAX_CONNECTIONS: String(MAX_CONNECTIONS), WORKERS: String(WORKERS) },
    tenant: { default_pool_size: 60, owners: 1, users: [user] },
  });
}

async function logIn(pooler: SpawnedPooler, stack: AsyncDisposableStack): Promise<RawClient> {
  return stack.use(await RawClient.connect(pooler.target()));
}

/** Begins a transaction. Returns whether there was a server for it. */
async function begin(client: RawClient): Promise<boolean> {
  await client.send(query("begin"));
  return !(await client.untilReady()).join().includes("53300");
}

async function rollBack(client: RawClient): Promise<string> {
  await client.send(query("rollback"));
  return (await client.untilReady()).join();
}

test("a tenant's owner opens servers with what clients leave of its descriptors", async () => {
  await using pooler = await start();
  await using stack = new AsyncDisposableStack();
  const clients = await Promise.all(Array.from({ length: EQUAL_PART }, () => logIn(pooler, stack)));
  const served = await Promise.all(clients.map((client) => begin(client)));
  expect(served).toEqual(clients.map(() => true));
});

test("servers beyond that are refused, and leave room for all clients that there may be", async () => {
  await using pooler = await start();
  await using stack = new AsyncDisposableStack();
  const first = await Promise.all(
    Array.from({ length: SERVERS_MAX + 6 }, () => logIn(pooler, stack)),
  );
  const served = await Promise.all(first.map((client) => begin(client)));
  const holding = first.filter((_, index) => served[index] === true);
  expect(holding.length).toBeGreaterThan(USABLE / 4);
  expect(holding.length).toBeLessThanOrEqual(SERVERS_MAX);
  for (let clients = first.length; clients < MAX_CONNECTIONS; clients += 1)
    // oxlint-disable-next-line no-await-in-loop -- one that comes to a worker without room tries again
    await eventually(() => logIn(pooler, stack));
  const ends = await Promise.all(holding.map((client) => rollBack(client)));
  expect(ends.filter((end) => !end.includes("ROLLBACK"))).toEqual([]);
});

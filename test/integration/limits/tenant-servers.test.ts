/**
 * max_server_connections and max_pools, as PostgreSQL counts the connections.
 */

import { afterAll, afterEach, beforeAll, expect, test } from "bun:test";
import { Client } from "pg";
import { eventually } from "../../support/eventually.ts";
import { startPooler, type TestPooler } from "../../support/pooler.ts";
import { startPostgres, type TestPostgres } from "../../support/postgres.ts";
import { rejectionOf } from "../../support/rejection.ts";

const CAP = 4;
const POOLS = 5;
const LOAD_MS = 3000;

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
  await pooler[Symbol.asyncDispose]();
  await Promise.all(clients.splice(0).map((client) => client.end().catch(() => null)));
});

/** A tenant `many` with a user for each pool, u0 and so on. */
async function start(fields: Readonly<Record<string, unknown>>): Promise<void> {
  pooler = await startPooler(postgres);
  await put(fields);
}

function put(fields: Readonly<Record<string, unknown>>): Promise<void> {
  const users = Array.from({ length: POOLS }, (_, n) => ({
    db_user: postgres.superuser,
    db_password: postgres.password,
    db_user_alias: `u${n}`,
  }));
  return pooler.putTenant({ external_id: "many", default_pool_size: 3, users, ...fields });
}

async function connect(alias: string, mode: "transaction" | "native" = "transaction") {
  const client = new Client({ ...pooler.target(mode), user: `${alias}.many` });
  clients.push(client);
  client.on("error", () => {});
  await client.connect();
  return client;
}

async function backends(): Promise<number> {
  const rows = await postgres.query(
    "select count(*)::int as n from pg_stat_activity where backend_type = 'client backend' and pid <> pg_backend_pid()",
  );
  return Number(rows[0]?.["n"]);
}

/** Runs transactions, with a rest now and then, until the time is over. Returns how many. */
async function load(client: Client, untilMs: number, pauseMs: number): Promise<number> {
  let done = 0;
  while (performance.now() < untilMs) {
    // oxlint-disable-next-line no-await-in-loop -- one transaction after the other
    await client.query("select pg_sleep(0.002)");
    done += 1;
    // oxlint-disable-next-line no-await-in-loop -- so that pools come to rest at times
    if (done % 50 === 0) await Bun.sleep(pauseMs);
  }
  return done;
}

test("holds over five pools under changing load, and starves none of them", async () => {
  await start({ max_server_connections: CAP });
  const aliases = Array.from({ length: POOLS * 3 }, (_, n) => `u${n % POOLS}`);
  const loaded = await Promise.all(aliases.map((alias) => connect(alias)));
  const untilMs = performance.now() + LOAD_MS;
  const running = loaded.map((client, index) => load(client, untilMs, 20 + index * 7));
  let most = 0;
  let looks = 0;
  while (performance.now() < untilMs) {
    // oxlint-disable-next-line no-await-in-loop -- one look after the other
    most = Math.max(most, await backends());
    looks += 1;
  }
  const done = await Promise.all(running);
  expect(looks).toBeGreaterThan(10);
  expect(most).toBe(CAP);
  for (const count of done) expect(count).toBeGreaterThan(5);
});

test("counts a native client's server, which takes what is idle", async () => {
  await start({ max_server_connections: 1 });
  const pooled = await connect("u0");
  await pooled.query("select 1");
  const native = await connect("u1", "native");
  expect((await native.query("select 1 as one")).rows).toEqual([{ one: 1 }]);
  expect(await backends()).toBe(1);
  const waiting = pooled.query("select 2 as two");
  await eventually(async () => {
    expect((await pooler.pooler.traffic.state("many")).clientsWaiting).toBe(1);
  });
  await native.end();
  expect((await waiting).rows).toEqual([{ two: 2 }]);
});

test("refuses a native client that finds no room in time, and says which limit it met", async () => {
  await start({ max_server_connections: 1, server_connect_timeout: 300 });
  const pooled = await connect("u0");
  await pooled.query("begin");
  const error = await rejectionOf(connect("u1", "native"));
  expect(error).toMatchObject({
    code: "53300",
    message: "too many server connections of this tenant",
  });
  await pooled.query("commit");
});

test("that is lowered closes what is idle, and raised lets more be opened at once", async () => {
  await start({ max_server_connections: 3 });
  const users = await Promise.all(["u0", "u1", "u2"].map((alias) => connect(alias)));
  await Promise.all(users.map((client) => client.query("select pg_sleep(0.05)")));
  expect(await backends()).toBe(3);
  await put({ max_server_connections: 1 });
  await eventually(async () => expect(await backends()).toBe(1));
  await users[0]?.query("begin");
  const waiting = users[1]?.query("select 1 as one");
  await put({ max_server_connections: 2 });
  expect((await waiting)?.rows).toEqual([{ one: 1 }]);
  await users[0]?.query("commit");
});

test("one more pool than max_pools is refused, and let in when another has no client left", async () => {
  await start({ max_pools: 2 });
  const [first] = [await connect("u0"), await connect("u1")];
  const refusal = await rejectionOf(connect("u2"));
  expect(refusal).toMatchObject({
    code: "53400",
    message: "too many pools of this tenant are in use",
  });
  expect(refusal).toMatchObject({ detail: expect.stringContaining("the limit is 2") });
  await connect("u1");
  await first?.end();
  const third = await eventually(() => connect("u2"));
  expect((await third.query("select 1 as one")).rows).toEqual([{ one: 1 }]);
});

test("as many logins at once as max_pools allows are let in, and none beyond", async () => {
  await start({ max_pools: 2 });
  const outcomes = await Promise.allSettled(
    Array.from({ length: POOLS }, (_, n) => connect(`u${n}`)),
  );
  expect(outcomes.filter(({ status }) => status === "fulfilled").length).toBe(2);
});

test("pools without clients give way, and their servers with them", async () => {
  await start({ max_pools: 1 });
  for (const alias of ["u0", "u1", "u2"]) {
    // oxlint-disable-next-line no-await-in-loop -- one after the other
    const client = await eventually(() => connect(alias));
    // oxlint-disable-next-line no-await-in-loop -- one after the other
    await client.query("select 1");
    // oxlint-disable-next-line no-await-in-loop -- one after the other
    await client.end();
  }
  await eventually(async () => expect(await backends()).toBe(1));
});

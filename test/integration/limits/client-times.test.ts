/**
 * How long a client may be idle, and its queries and transactions last: each limit at its edge.
 */

import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "bun:test";
import { Client, DatabaseError } from "pg";
import type { Config } from "../../../src/config/settings.ts";
import { startPooler, type TestPooler } from "../../support/pooler.ts";
import { startPostgres, type TestPostgres } from "../../support/postgres.ts";
import { rejectionOf } from "../../support/rejection.ts";

/** Below this nothing may happen; above it and the coarse clock's 200 ms it must have. */
const LIMIT_MS = 400;

let postgres: TestPostgres;
let pooler: TestPooler;
let clients: Client[] = [];

beforeAll(async () => {
  postgres = await startPostgres();
});
afterAll(async () => {
  await postgres[Symbol.asyncDispose]();
});
beforeEach(() => {
  clients = [];
});
afterEach(async () => {
  await Promise.all(clients.map((client) => client.end().catch(() => null)));
  await pooler[Symbol.asyncDispose]();
});

async function start(config: Partial<Config>, tenant: object = {}, user: object = {}) {
  pooler = await startPooler(postgres, {
    config,
    tenant: { default_pool_size: 1, ...tenant },
    user: { ...user },
  });
}

async function connect(mode: "transaction" | "session" = "transaction", tenant = "dev") {
  const client = new Client(pooler.target(mode, tenant));
  clients.push(client);
  // What ends it is looked at by `farewell`; the driver tells of the closed socket once more.
  client.on("error", () => {});
  await client.connect();
  return client;
}

/** The FATAL that `client` is told while it asks nothing, and after how many milliseconds. */
async function farewell(client: Client): Promise<{ error: Error; afterMs: number }> {
  const sinceMs = performance.now();
  const error = await new Promise<Error>((resolve) => {
    client.once("error", resolve);
  });
  return { error, afterMs: performance.now() - sinceMs };
}

async function timed(query: Promise<unknown>): Promise<{ error: unknown; afterMs: number }> {
  const sinceMs = performance.now();
  return { error: await rejectionOf(query), afterMs: performance.now() - sinceMs };
}

async function backend(client: Client): Promise<number> {
  const { rows } = await client.query<{ pid: number }>("select pg_backend_pid() as pid");
  return rows[0]?.pid ?? 0;
}

/** Connections of the pooler's, as PostgreSQL counts them. */
async function servers(): Promise<number> {
  const rows = await postgres.query(
    "select count(*)::int as n from pg_stat_activity where backend_type = 'client backend' and pid <> pg_backend_pid()",
  );
  return Number(rows[0]?.["n"]);
}

/** Another client works on the same one server, and finds nothing of its predecessor. */
async function expectCleanServer(pid: number): Promise<void> {
  const next = await connect();
  expect(await backend(next)).toBe(pid);
  const { rows } = await next.query("select to_regclass('pg_temp.left_behind') as found");
  expect(rows).toEqual([{ found: null }]);
  expect(await servers()).toBe(1);
}

describe("client_idle_timeout", () => {
  test.each(["transaction", "session"] as const)(
    "closes a client that is idle for longer, in %s mode",
    async (mode) => {
      await start({ clientIdleTimeoutMs: LIMIT_MS });
      const client = await connect(mode);
      await client.query("select 1");
      const { error, afterMs } = await farewell(client);
      expect(error).toMatchObject({
        severity: "FATAL",
        code: "57P05",
        message: "terminating connection due to idle-session timeout",
        detail: `client_idle_timeout is ${LIMIT_MS} ms.`,
      });
      expect(afterMs).toBeGreaterThan(LIMIT_MS - 20);
    },
  );

  test("closes a client that has never asked anything", async () => {
    await start({ clientIdleTimeoutMs: LIMIT_MS });
    expect((await farewell(await connect())).error).toMatchObject({ code: "57P05" });
  });

  test("counts from the client's last query", async () => {
    await start({ clientIdleTimeoutMs: LIMIT_MS });
    const client = await connect();
    for (let pause = 0; pause < 6; pause += 1) {
      // oxlint-disable-next-line no-await-in-loop -- one pause after the other
      await Bun.sleep(LIMIT_MS / 4);
      // oxlint-disable-next-line no-await-in-loop -- between the pauses
      await client.query("select 1");
    }
    expect((await farewell(client)).afterMs).toBeGreaterThan(LIMIT_MS - 20);
  });

  test("does not count while a query runs, a transaction is open, or the client waits", async () => {
    await start({ clientIdleTimeoutMs: LIMIT_MS });
    const [holder, waiter] = [await connect(), await connect()];
    await holder.query("begin");
    const waited = waiter.query("select 1 as one");
    await holder.query(`select pg_sleep(${(2 * LIMIT_MS) / 1000})`);
    await holder.query("commit");
    expect((await waited).rows).toEqual([{ one: 1 }]);
  });

  test("of one user or tenant leaves everybody else's clients alone", async () => {
    await start({}, {}, { client_idle_timeout: LIMIT_MS });
    await pooler.putTenant({ external_id: "other" });
    const [client, neighbour] = [await connect(), await connect("transaction", "other")];
    expect((await farewell(client)).error).toMatchObject({ code: "57P05" });
    expect((await neighbour.query("select 1 as one")).rows).toEqual([{ one: 1 }]);
  });

  test("of a user goes before the tenant's, and that before the setting", async () => {
    await start({ clientIdleTimeoutMs: 100 }, { client_idle_timeout: 0 });
    await pooler.putTenant(
      { external_id: "other", client_idle_timeout: 100 },
      { client_idle_timeout: LIMIT_MS },
    );
    const [client, other] = [await connect(), await connect("transaction", "other")];
    expect((await farewell(other)).error).toMatchObject({
      detail: `client_idle_timeout is ${LIMIT_MS} ms.`,
    });
    expect((await client.query("select 1 as one")).rows).toEqual([{ one: 1 }]);
  });
});

describe("idle_transaction_timeout", () => {
  test.each(["transaction", "session"] as const)(
    "closes a client that leaves its transaction alone, in %s mode, and its server is clean",
    async (mode) => {
      await start({ idleTransactionTimeoutMs: LIMIT_MS });
      const client = await connect(mode);
      await client.query("begin; create temp table left_behind ()");
      const pid = await backend(client);
      const { error, afterMs } = await farewell(client);
      expect(error).toMatchObject({
        severity: "FATAL",
        code: "25P03",
        message: "terminating connection due to idle-in-transaction timeout",
      });
      expect(afterMs).toBeGreaterThan(LIMIT_MS - 20);
      if (mode === "transaction") await expectCleanServer(pid);
      else expect(await servers()).toBe(1);
    },
  );

  test("counts from the last query of the transaction, and not while one runs", async () => {
    await start({ idleTransactionTimeoutMs: LIMIT_MS });
    const client = await connect();
    await client.query("begin");
    await client.query(`select pg_sleep(${(2 * LIMIT_MS) / 1000})`);
    await client.query("commit");
    await Bun.sleep(2 * LIMIT_MS);
    expect((await client.query("select 1 as one")).rows).toEqual([{ one: 1 }]);
  });
});

describe("query_timeout", () => {
  test.each([
    ["a simple query", []],
    ["an extended query", [1]],
  ])("cancels %s that takes longer, and the client goes on", async (_kind, values) => {
    await start({ queryTimeoutMs: LIMIT_MS });
    const client = await connect();
    const pid = await backend(client);
    const sleep = values.length === 0 ? "select pg_sleep(30)" : "select pg_sleep(30), $1::int";
    const { error, afterMs } = await timed(client.query(sleep, values));
    expect(error).toMatchObject({
      severity: "ERROR",
      code: "57014",
      message: "canceling statement due to query timeout",
      detail: `query_timeout is ${LIMIT_MS} ms.`,
    });
    expect(afterMs).toBeGreaterThan(LIMIT_MS - 20);
    expect(afterMs).toBeLessThan(10_000);
    expect(await backend(client)).toBe(pid);
    await expectCleanServer(pid);
  });

  test("lets a transaction's other queries be judged by themselves", async () => {
    await start({ queryTimeoutMs: LIMIT_MS });
    const client = await connect();
    await client.query("begin");
    for (let query = 0; query < 6; query += 1)
      // oxlint-disable-next-line no-await-in-loop -- one query after the other
      await client.query(`select pg_sleep(${LIMIT_MS / 4000})`);
    await client.query("commit");
  });

  test("leaves the words of PostgreSQL where the client cancels for itself", async () => {
    await start({ queryTimeoutMs: 30_000 });
    const client = await connect();
    const asked = rejectionOf(client.query("set statement_timeout = 50; select pg_sleep(30)"));
    expect(await asked).toMatchObject({
      code: "57014",
      message: "canceling statement due to statement timeout",
    });
  });

  test("gives up a server whose query a cancel does not end", async () => {
    await start({ queryTimeoutMs: LIMIT_MS, cancelWaitTimeoutMs: LIMIT_MS });
    const client = await connect();
    const lasting =
      "do $$ declare ends timestamptz := clock_timestamp() + interval '4 s'; begin " +
      "while clock_timestamp() < ends loop begin perform pg_sleep(0.2); " +
      "exception when query_canceled then null; end; end loop; end $$";
    const gone = farewell(client);
    const { error, afterMs } = await timed(client.query(lasting));
    expect(error).toMatchObject({
      severity: "FATAL",
      code: "57014",
      message: "terminating connection due to query timeout",
    });
    expect(afterMs).toBeGreaterThan(2 * LIMIT_MS - 20);
    await gone;
    const next = await connect();
    expect((await next.query("select 1 as one")).rows).toEqual([{ one: 1 }]);
    expect(await servers()).toBe(1);
  });
});

describe("transaction_timeout", () => {
  test.each([
    ["runs a query", "select pg_sleep(30)"],
    ["is idle", "select 1"],
  ])("closes a client whose transaction %s", async (_what, sql) => {
    await start({ transactionTimeoutMs: LIMIT_MS });
    const client = await connect();
    const pid = await backend(client);
    const gone = farewell(client);
    await client.query("begin; create temp table left_behind ()");
    client.query(sql).catch(() => null);
    const { error, afterMs } = await gone;
    expect(error).toMatchObject({ message: expect.any(String) });
    expect(afterMs).toBeGreaterThan(LIMIT_MS - 20);
    await expectCleanServer(pid);
  });

  test("tells the code and the words of PostgreSQL 17", async () => {
    await start({ transactionTimeoutMs: LIMIT_MS });
    const client = await connect();
    await client.query("begin");
    const { error } = await farewell(client);
    expect(error).toBeInstanceOf(DatabaseError);
    expect(error).toMatchObject({
      severity: "FATAL",
      code: "25P04",
      message: "terminating connection due to transaction timeout",
    });
  });

  test("begins anew with each transaction, in session mode too", async () => {
    await start({ transactionTimeoutMs: LIMIT_MS });
    const [one, other] = [await connect("session"), await connect()];
    for (const client of [one, other])
      for (let transaction = 0; transaction < 6; transaction += 1)
        // oxlint-disable-next-line no-await-in-loop -- one after the other
        await client.query(`begin; select pg_sleep(${LIMIT_MS / 4000}); commit`);
    await Bun.sleep(2 * LIMIT_MS);
    // oxlint-disable-next-line no-await-in-loop -- one after the other
    const answers = await Promise.all(
      [one, other].map((client) => client.query("select 1 as one")),
    );
    for (const { rows } of answers) expect(rows).toEqual([{ one: 1 }]);
  });
});

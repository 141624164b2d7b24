/**
 * What runs too long is cancelled before its server is given up: a server that is closed under a query
 * goes on with it in PostgreSQL.
 */

import { describe, expect, test } from "bun:test";
import type { Config } from "../../../src/config/settings.ts";
import { writeErrorResponse } from "../../../src/wire/backend/error-response.ts";
import { ByteWriter } from "../../../src/wire/byte-writer.ts";
import { eventually } from "../../support/eventually.ts";
import { query } from "../../support/frontend-messages.ts";
import { startPooler, type TestPooler } from "../../support/pooler.ts";
import { RawClient } from "../../support/raw-client.ts";
import { done, FakePostgres, type FakeSession, message } from "../hostile/fake-postgres.ts";

const LIMIT_MS = 300;
const FOREVER = "select 'forever'";
/** What the pooler itself asks, and what it ends a transaction with. */
const TIDY = /^(ROLLBACK|DISCARD ALL|RESET|SELECT s\.name|SELECT EXISTS)/i;

/** A PostgreSQL whose query ends when it is cancelled, or never; and what it saw, in order. */
class Stubborn extends FakePostgres {
  readonly seen: string[];

  constructor(heedsCancels: boolean) {
    const seen: string[] = [];
    let running: FakeSession | null = null;
    super({
      onQuery(session, sql) {
        seen.push(sql);
        if (sql === "begin") session.send(begun());
        if (sql === FOREVER) running = session;
        return sql === "begin" || sql === FOREVER;
      },
      onCancel(session) {
        seen.push("a CancelRequest");
        if (heedsCancels) running?.send(cancelled());
        session.close();
      },
    });
    this.seen = seen;
  }

  /** How many of those who logged in are still connected. */
  get servers(): number {
    return this.sessions.filter(({ queries, closed }) => queries.length > 0 && !closed).length;
  }
}

function begun(): Uint8Array {
  return Buffer.concat([done("BEGIN").subarray(0, -1), Buffer.from("T")]);
}

function cancelled(): Uint8Array {
  const writer = new ByteWriter();
  writeErrorResponse(writer, {
    severity: "ERROR",
    sqlstate: "57014",
    message: "canceling statement due to user request",
  });
  return Buffer.concat([writer.take(), message("Z", "I")]);
}

async function start(fake: FakePostgres, config: Partial<Config>): Promise<TestPooler> {
  return startPooler(fake, {
    config: { cancelWaitTimeoutMs: LIMIT_MS, ...config },
    tenant: { default_pool_size: 1 },
  });
}

describe("a query that takes too long", () => {
  test.concurrent("is cancelled once, and its server kept", async () => {
    using fake = new Stubborn(true);
    await using pooler = await start(fake, { queryTimeoutMs: LIMIT_MS });
    await using client = await RawClient.connect(pooler.target());
    expect(await client.run(query(FOREVER))).toEqual([
      "ErrorResponse ERROR: 57014: canceling statement due to query timeout: query_timeout is 300 ms.",
      "ReadyForQuery I",
    ]);
    expect(await client.run(query("select 1"))).toContain("ReadyForQuery I");
    expect(fake.seen.filter((sql) => !TIDY.test(sql))).toEqual([
      FOREVER,
      "a CancelRequest",
      "select 1",
    ]);
    expect(fake.servers).toBe(1);
  });

  test.concurrent("and heeds no cancel loses its server, after the cancel", async () => {
    using fake = new Stubborn(false);
    await using pooler = await start(fake, { queryTimeoutMs: LIMIT_MS });
    await using client = await RawClient.connect(pooler.target());
    const sinceMs = performance.now();
    await client.send(query(FOREVER));
    expect(await client.untilClosed()).toEqual([
      "ErrorResponse FATAL: 57014: terminating connection due to query timeout: query_timeout is 300 ms, and 300 ms after it was cancelled the query had not ended.",
      "closed",
    ]);
    expect(performance.now() - sinceMs).toBeGreaterThan(2 * LIMIT_MS - 20);
    expect(fake.seen).toContain("a CancelRequest");
    await eventually(() => expect(fake.servers).toBe(0));
  });
});

describe("a transaction that takes too long", () => {
  test.concurrent("has its query cancelled and is rolled back, and its server kept", async () => {
    using fake = new Stubborn(true);
    await using pooler = await start(fake, { transactionTimeoutMs: LIMIT_MS });
    await using client = await RawClient.connect(pooler.target());
    await client.run(query("begin"));
    await client.send(query(FOREVER));
    expect(await client.untilClosed()).toEqual([
      "ErrorResponse FATAL: 25P04: terminating connection due to transaction timeout: transaction_timeout is 300 ms.",
      "closed",
    ]);
    await eventually(() => expect(fake.seen.indexOf("a CancelRequest")).toBe(2));
    await using next = await RawClient.connect(pooler.target());
    expect(await next.run(query("select 1"))).toContain("ReadyForQuery I");
    expect(fake.servers).toBe(1);
  });

  test.concurrent("and heeds no cancel loses its server, after the cancel", async () => {
    using fake = new Stubborn(false);
    await using pooler = await start(fake, { transactionTimeoutMs: LIMIT_MS });
    await using client = await RawClient.connect(pooler.target());
    await client.run(query("begin"));
    await client.send(query(FOREVER));
    expect((await client.untilClosed())[0]).toContain("25P04");
    await eventually(() => expect(fake.seen).toContain("a CancelRequest"));
    await eventually(() => expect(fake.servers).toBe(0));
  });
});

/**
 * CancelRequests that race with the ends of queries: they strike the query that ran when they came,
 * or nothing; never one that was sent later, never another client's.
 */

import { afterAll, afterEach, beforeAll, describe, expect, test } from "bun:test";
import { until } from "../../support/deadline.ts";
import { execute, extended, join, parse, query, sync } from "../../support/frontend-messages.ts";
import { repeatedly } from "../../support/in-turn.ts";
import { nextTurn, RawClient } from "../../support/raw-client.ts";
import { Bench } from "../../support/same-as-postgres.ts";
import { sendCancelRequest } from "../../support/send-cancel-request.ts";

let bench: Bench;

beforeAll(async () => {
  bench = await Bench.start();
});

afterAll(() => bench[Symbol.asyncDispose]());

afterEach(() => {
  expect(bench.takeFaults()).toEqual([]);
});

const CANCELED = "ErrorResponse ERROR: 57014: canceling statement due to user request";

const cancel = (client: RawClient): Promise<void> =>
  sendCancelRequest(bench.pooler.target(), client.key);

/** A cancel that comes before the query does nothing, there as here. */
const untilOneWaits = (): Promise<void> =>
  until("a client waits for a server", async () => {
    const { clientsWaiting } = await bench.pooler.pooler.traffic.state("dev");
    return clientsWaiting === 1;
  });

/** A cancel comes over a connection of its own, and may overtake the query. */
const untilRunning = (sql: string): Promise<void> =>
  until("the query runs", async () => {
    const running = "select 1 from pg_stat_activity where query = $1 and state = 'active'";
    return (await bench.postgres.query(running, [sql])).length > 0;
  });

describe.each(["transaction", "session", "native"] as const)("in %s mode", (mode) => {
  const connect = (): Promise<RawClient> => RawClient.connect(bench.pooler.target(mode));

  test("a query that runs is cancelled, and the next one is not", async () => {
    await using client = await connect();
    await client.send(query("select pg_sleep(600)"));
    await nextTurn();
    let over = false;
    const answered = client.untilReady().finally(() => {
      over = true;
    });
    // One that comes before PostgreSQL has begun does nothing, there as here.
    await until("the query is over", async () => {
      await cancel(client);
      return over;
    });
    const lines = await answered;
    expect(lines).toContain(CANCELED);
    expect(await client.run(query("select 'next'"))).toContain('DataRow "next"');
  });

  test("two hundred cancels that race with short queries strike no query that was sent later", async () => {
    await using target = await connect();
    await using neighbour = await connect();
    let canceled = 0;
    await repeatedly(200, async (round) => {
      const other = neighbour.run(query("select 'neighbour' from pg_sleep(0.002)"));
      const first = target.run(query(`select pg_sleep(${(round % 10) / 2000})`));
      const [lines] = await Promise.all([first, cancel(target)]);
      if (lines.includes(CANCELED)) canceled += 1;
      const later = join(extended("select 'later' from pg_sleep(0.001)"), sync);
      expect(await target.run(later)).toContain('DataRow "later"');
      expect(await other).toContain('DataRow "neighbour"');
    });
    expect(canceled).toBeGreaterThan(0);
  });

  test("a cancel that PostgreSQL takes late strikes nothing that was sent in between", async () => {
    await using client = await connect();
    // Holds its server also in transaction mode.
    await client.run(query("begin"));
    const postmaster = bench.postgres.processId;
    const first = "select 'first' from pg_sleep(0.6)";
    await client.send(query(first));
    await untilRunning(first);
    process.kill(postmaster, "SIGSTOP");
    try {
      await cancel(client);
      expect(await client.untilReady()).toContain('DataRow "first"');
      await client.send(join(parse("", "select 'second' from pg_sleep(0.3)"), sync));
      await client.send(query("select 'third' from pg_sleep(0.3)"));
      await nextTurn();
      await nextTurn();
    } finally {
      process.kill(postmaster, "SIGCONT");
    }
    expect(await client.untilReady(2)).toContain('DataRow "third"');
    await client.run(query("commit"));
  });

  test("a cancel with a wrong key, or of nobody, does nothing", async () => {
    await using client = await connect();
    const { processId, secretKey } = client.key;
    const wrong = Uint8Array.from(secretKey, (byte) => byte ^ 1);
    const answered = client.run(query("select 'whole' from pg_sleep(0.2)"));
    await sendCancelRequest(bench.pooler.target(), { processId, secretKey: wrong });
    await sendCancelRequest(bench.pooler.target(), { processId: processId + 1, secretKey });
    await sendCancelRequest(bench.pooler.target(), { processId, secretKey: Buffer.alloc(32, 1) });
    expect(await answered).toContain('DataRow "whole"');
  });

  test("a cancel of a client that has nothing under way does nothing later", async () => {
    await using client = await connect();
    await client.run(query("begin"));
    await repeatedly(20, async () => {
      await cancel(client);
      expect(await client.run(query("select 1 from pg_sleep(0.001)"))).toContain('DataRow "1"');
    });
    await client.run(query("commit"));
  });
});

describe("a query that waits for a server", () => {
  test("is cancelled, and its client goes on", async () => {
    await using first = await bench.pooled();
    await using second = await bench.pooled();
    await first.run(query("begin"));
    await second.run(query("begin"));
    await using client = await bench.pooled();
    await client.send(join(query("select 'canceled'"), query("select 'next'")));
    await untilOneWaits();
    await cancel(client);
    expect(await client.untilReady()).toEqual([CANCELED, "ReadyForQuery I"]);
    await first.run(query("commit"));
    expect(await client.untilReady()).toContain('DataRow "next"');
    await second.run(query("commit"));
  });

  test("is cancelled with its pipeline, up to the Sync", async () => {
    await using first = await bench.pooled();
    await using second = await bench.pooled();
    await first.run(query("begin"));
    await second.run(query("begin"));
    await using client = await bench.pooled();
    await client.send(join(extended("select 1"), execute(), sync));
    await untilOneWaits();
    await cancel(client);
    expect(await client.untilReady()).toEqual([CANCELED, "ReadyForQuery I"]);
    await first.run(query("commit"));
    await second.run(query("commit"));
    expect(await client.run(query("select 'next'"))).toContain('DataRow "next"');
  });
});

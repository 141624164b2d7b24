/**
 * Settings that go to a server in front of the client's own message: nothing of it may be told from
 * PostgreSQL, and nothing of the client's may run where they are refused.
 */

// oxlint-disable no-await-in-loop -- one thing after the other is the point here

import { afterAll, afterEach, beforeAll, describe, expect, test } from "bun:test";
import {
  bind,
  copyData,
  describePortal,
  execute,
  flush,
  functionCall,
  parse,
  query,
  sync,
} from "../../support/frontend-messages.ts";
import { startPooler, type TestPooler } from "../../support/pooler.ts";
import { startPostgres, type TestPostgres } from "../../support/postgres.ts";
import { RawClient } from "../../support/raw-client.ts";
import { directTarget } from "../../support/same-as-postgres.ts";

const TOKYO = [["TimeZone", "Asia/Tokyo"]] as const;
const joined = (...messages: readonly Uint8Array[]): Uint8Array => Buffer.concat(messages);
const extended = (sql: string): Uint8Array =>
  joined(parse("", sql), bind(""), describePortal(""), execute());

describe.each([18, 15] as const)("PostgreSQL %d", (version) => {
  let postgres: TestPostgres;
  let pooler: TestPooler;

  beforeAll(async () => {
    postgres = await startPostgres({ version });
    pooler = await startPooler(postgres, { tenant: { default_pool_size: 1 } });
  });
  afterAll(async () => {
    await pooler[Symbol.asyncDispose]();
    await postgres[Symbol.asyncDispose]();
  });
  afterEach(() => {
    expect(pooler.pooler.counters.desyncTotal).toBe(0);
  });

  /** What a client with its time zone hears directly, and where another one uses the only server in between. */
  async function compare(messages: Uint8Array, ready: number, cuts: "whole" | "bytes" = "whole") {
    await using direct = await RawClient.connect(directTarget(postgres), { parameters: TOKYO });
    await using pooled = await RawClient.connect(pooler.target(), { parameters: TOKYO });
    await using other = await RawClient.connect(pooler.target());
    const expected: (readonly string[])[] = [];
    const actual: (readonly string[])[] = [];
    for (const bytes of [messages, query("show timezone"), messages, query("show datestyle")]) {
      const count = bytes === messages ? ready : 1;
      expected.push(await direct.run(bytes, count));
      await other.run(query("select 1"));
      actual.push(await pooled.run(bytes, count, cuts));
    }
    return { expected, actual };
  }

  test.each([
    ["a query", query("show timezone"), 1],
    ["an empty query", query(""), 1],
    ["an error", query("select 1/0"), 1],
    ["what cannot run in a transaction", query("vacuum"), 1],
    ["the same by the extended protocol", joined(extended("vacuum"), sync), 1],
    [
      "a transaction of another isolation",
      query("begin isolation level serializable; show transaction_isolation; rollback"),
      1,
    ],
    [
      "a whole transaction, pipelined",
      joined(
        query("begin"),
        query("show timezone"),
        query("set transaction read only"),
        query("commit"),
      ),
      4,
    ],
    ["a batch", joined(extended("show timezone"), extended("select 1"), sync), 1],
    ["batches, one of them fails", joined(extended("x"), sync, extended("show timezone"), sync), 2],
    ["a batch with a Flush", joined(parse("", "select 2"), flush, bind(""), execute(), sync), 1],
    ["a Bind of nothing", joined(bind(""), execute(), sync), 1],
    ["a named statement", joined(parse("s", "show timezone"), bind("s"), execute(), sync), 1],
    ["a function call", functionCall(89, []), 1],
    ["a setting", query("set timezone to 'UTC'"), 1],
    ["a setting for the transaction", query("set local timezone to 'UTC'"), 1],
    ["a setting that fails", query("set timezone to 'nowhere'"), 1],
    ["a setting by a batch", joined(extended("set timezone to 'GMT'"), sync), 1],
    ["data of no COPY", joined(copyData("x"), query("show timezone")), 1],
    ["a rollback of nothing", query("rollback"), 1],
  ])("behind %s nothing can be told", async (_, messages, ready) => {
    const { expected, actual } = await compare(messages, ready);
    expect(actual).toEqual(expected);
  });

  test("nor where the bytes come one by one", async () => {
    const messages = joined(extended("show timezone"), sync, query("begin"), query("commit"));
    const { expected, actual } = await compare(messages, 3, "bytes");
    expect(actual).toEqual(expected);
  });

  test("costs no round trip of its own: what it runs in is over before the client's message", async () => {
    await using pooled = await RawClient.connect(pooler.target(), { parameters: TOKYO });
    await using other = await RawClient.connect(pooler.target());
    await pooled.run(query("select 1"));
    await other.run(query("select 1"));
    const lines = await pooled.run(query("select now() = statement_timestamp()"));
    expect(lines).toContain('DataRow "t"');
  });

  test("a report that the server owes no more is made up for", async () => {
    await using pooled = await RawClient.connect(pooler.target(), { parameters: TOKYO });
    await using other = await RawClient.connect(pooler.target());
    await pooled.run(query("select 1"));
    const usual = (await other.run(query("show timezone"))).find((line) => line.startsWith("Data"));
    const name = usual?.slice('DataRow "'.length, -1) ?? "";
    expect(await pooled.run(query(`set timezone to '${name}'`))).toEqual([
      "CommandComplete SET",
      `ParameterStatus TimeZone=${name}`,
      "ReadyForQuery I",
    ]);
  });

  test("where the settings are refused, nothing of the client's runs, and it hears why", async () => {
    await postgres.query("create role passing");
    await postgres.query("create table if not exists written (n int)");
    await using pooled = await RawClient.connect(pooler.target(), {
      parameters: [["options", "-c role=passing"]],
    });
    await using other = await RawClient.connect(pooler.target());
    await pooled.run(query("select 1"));
    await other.run(query("select 1"));
    await postgres.query("drop role passing");
    await pooled.send(
      joined(
        extended("insert into written values (1)"),
        sync,
        query("insert into written values (2)"),
      ),
    );
    expect(await pooled.untilClosed()).toEqual([
      expect.stringMatching(/^ErrorResponse FATAL: 22023: .*passing/),
      "closed",
    ]);
    expect(await postgres.query("select count(*)::int as n from written")).toEqual([{ n: 0 }]);
    expect(await other.run(query("select 'next'"))).toContain('DataRow "next"');
  });
});

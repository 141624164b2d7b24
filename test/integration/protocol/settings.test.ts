/**
 * Settings that change without a command tag that says so: they are the client's, and nobody else's.
 */

import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { bind, execute, join, parse, query, sync } from "../../support/frontend-messages.ts";
import { inTurn, repeatedly } from "../../support/in-turn.ts";
import { startPooler, type TestPooler } from "../../support/pooler.ts";
import { startPostgres, type TestPostgres } from "../../support/postgres.ts";
import { RawClient } from "../../support/raw-client.ts";

const CALL = "select set_config('statement_timeout', '1234567', false)";
const IN_BLOCK = `do $$ begin perform set_config('statement_timeout', '1234567', false); end $$`;
const LOCAL = "select set_config('statement_timeout', '1234567', true)";
const SHOW = query("show statement_timeout");

const unset = 'DataRow "0"';
const isSet = 'DataRow "1234567ms"';

const setLong = (bytes: number): Uint8Array => query(`set my.own = '${"x".repeat(bytes)}'`);
const unnamed = (sql: string): Uint8Array => join(parse("", sql), bind(""), execute(), sync);

describe.each([15, 18] as const)("with PostgreSQL %d", (version) => {
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

  async function timeoutsAfter(...messages: readonly Uint8Array[]): Promise<readonly string[]> {
    await using setter = await RawClient.connect(pooler.target("transaction"));
    await using other = await RawClient.connect(pooler.target("transaction"));
    await inTurn(messages, async (message) => {
      await setter.run(message);
    });
    const shown: string[] = [];
    await inTurn([other, setter, other], async (client) => {
      const [, row] = await client.run(SHOW);
      shown.push(row ?? "");
    });
    return shown;
  }

  test.each<[string, readonly Uint8Array[]]>([
    ["in a Query", [query(CALL)]],
    ["in a Query of several statements", [query(`begin; ${CALL}; commit`)]],
    ["in a block", [query(IN_BLOCK)]],
    ["in an unnamed statement", [unnamed(CALL)]],
    ["in a named statement", [join(parse("s", CALL), bind("s"), execute(), sync)]],
    [
      "in a named statement that was prepared before",
      [join(parse("s", CALL), sync), query("select 1"), join(bind("s"), execute(), sync)],
    ],
    [
      "in an unnamed statement that was parsed before",
      [join(parse("", CALL), sync), join(bind(""), execute(), sync)],
    ],
    ["behind a long text", [query(`select '${"x".repeat(300_000)}'; ${CALL}`)]],
  ])("a call %s holds for its client and for nobody else", async (_where, messages) => {
    expect(await timeoutsAfter(...messages)).toEqual([unset, isSet, unset]);
  });

  test.each<[string, readonly Uint8Array[]]>([
    ["that is local", [query(LOCAL)]],
    ["that is rolled back", [query(`begin; ${CALL}; rollback`)]],
    ["whose statement fails", [query(`${CALL} + 1`)]],
    ["that is never executed", [join(parse("s", CALL), sync)]],
  ])("a call %s changes nothing", async (_how, messages) => {
    expect(await timeoutsAfter(...messages)).toEqual([unset, unset, unset]);
  });

  /** What `sql` gives first to another client, then to the one that sent the messages, then to the other again. */
  async function seenAfter(sql: string, ...messages: readonly Uint8Array[]): Promise<string[]> {
    await using setter = await RawClient.connect(pooler.target("transaction"));
    await using other = await RawClient.connect(pooler.target("transaction"));
    await inTurn(messages, async (message) => {
      await setter.run(message);
      await other.run(query("select 1"));
    });
    const seen: string[] = [];
    await inTurn([other, setter, other], async (client) => {
      const [, row] = await client.run(query(sql));
      seen.push(row ?? "");
    });
    return seen;
  }

  const OWN = "select coalesce(current_setting('my.own', true), '')";

  test.each<[string, readonly Uint8Array[], string]>([
    ["by SET", [query("set my.own = 'a'")], "a"],
    ["by SET in a block", [query("do $$ begin set my.own = 'a'; end $$")], "a"],
    ["by SET behind a comment", [query("/* why */ SET My.Own TO 'a'")], "a"],
    ["in a transaction", [query("begin; set my.own = 'a'; commit")], "a"],
    ["twice", [query("set my.own = 'a'"), query("set my.own = 'b'")], "b"],
    ["by set_config", [query("select set_config('my.own', 'a', false)")], "a"],
    ["by an unnamed statement", [unnamed("set my.own = 'a'")], "a"],
    [
      "by parameters",
      [
        join(
          parse("s", "select set_config($1, $2, $3)"),
          bind("s", ["my.own", "a", "false"]),
          execute(),
          sync,
        ),
      ],
      "a",
    ],
    [
      "beside another that is set later",
      [query("set my.own = 'a'"), query("set work_mem = 77")],
      "a",
    ],
    ["until it is reset", [query("set my.own = 'a'"), query("reset my.own")], ""],
    ["until all are", [query("set my.own = 'a'"), query("reset all")], ""],
    ["but not if it is rolled back", [query("begin; set my.own = 'a'; rollback")], ""],
    [
      "nor to a savepoint",
      [query("begin; set my.own = 'a'; savepoint s; set my.own = 'b'; rollback to s; commit")],
      "a",
    ],
    ["nor for its transaction only", [query("begin; set local my.own = 'a'; commit")], ""],
    ["with an odd value", [query("set my.own = 'it''s \\ \u00fc'")], "it's \\ \u00fc"],
  ])("a custom setting holds for its client only: set %s", async (_how, messages, value) => {
    expect(await seenAfter(OWN, ...messages)).toEqual(
      ["", value, ""].map((each) => `DataRow ${JSON.stringify(each)}`),
    );
  });

  test("a custom setting is found in a Bind that comes byte by byte", async () => {
    await using client = await RawClient.connect(pooler.target("transaction"));
    const set = join(
      parse("", "select set_config($1, $2, $3::bool)"),
      bind("", ["my.own", "by parameter", "false"]),
      execute(),
      sync,
    );
    await client.run(set, 1, "bytes");
    await using other = await RawClient.connect(pooler.target("transaction"));
    await inTurn([1, 2, 3], async () => {
      await other.run(query("select 1"));
      expect(await client.run(query(OWN))).toContain('DataRow "by parameter"');
    });
  });

  test("what the view of settings is updated with holds for its client only", async () => {
    const update = query("update pg_settings set setting = '7MB' where name = 'work_mem'");
    const [before, set, after] = await seenAfter("show work_mem", update);
    expect([set, after]).toEqual(['DataRow "7MB"', before ?? "nothing"]);
  });

  test("a value of 32 KB is kept, a longer one goes with its transaction, and no server is lost", async () => {
    const length = "select length(coalesce(current_setting('my.own', true), ''))::text";
    const path = Array.from({ length: 400 }, (_, index) => `s${index}_${"x".repeat(55)}`).join(",");
    expect(await seenAfter(length, setLong(32_768))).toEqual(
      ["0", "32768", "0"].map((each) => `DataRow "${each}"`),
    );
    expect(await seenAfter(length, setLong(32_769))).toEqual(
      ["0", "0", "0"].map((each) => `DataRow "${each}"`),
    );
    expect((await seenAfter("select 1", query(`set search_path = ${path}`)))[1]).toBe(
      'DataRow "1"',
    );
    expect(pooler.pooler.counters.desyncTotal).toBe(0);
  });

  test("a timeout that hardly any query can meet hits only who asked for it", async () => {
    await using hasty = await RawClient.connect(pooler.target("transaction"));
    await using other = await RawClient.connect(pooler.target("transaction"));
    await repeatedly(30, async () => {
      await hasty.run(query("set statement_timeout = 1"));
      expect((await other.run(query("select 1")))[1]).toBe('DataRow "1"');
    });
  });
});

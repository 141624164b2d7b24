/**
 * What a client leaves on a server without a setting's name: the next client sees none of it.
 */

import { expect, test } from "bun:test";
import { repeatedly } from "../../support/in-turn.ts";
import { failureOf } from "./drivers.ts";
import { everywhere } from "./everywhere.ts";

everywhere("what a client made for itself", (place) => {
  test.each([
    ["create temp table mine (n int)", "select n from mine", "42P01"],
    ["create temp table mine as select 1 as n", "select n from mine", "42P01"],
    ["create temp table mine as select 1 as n where false", "select n from mine", "42P01"],
    ["create temp table mine as select 1 as n with no data", "select n from mine", "42P01"],
    ["select 1 as n into temp mine", "select n from mine", "42P01"],
    ["create temp view mine as select 1 as n", "select n from mine", "42P01"],
    ["create temp sequence mine", "select nextval('mine')", "42P01"],
    [
      "create function pg_temp.mine() returns int language sql as 'select 1'",
      "do $$ begin if not exists (select from pg_proc where proname = 'mine' and pronamespace = pg_my_temp_schema()) then raise undefined_function; end if; end $$",
      "42883",
    ],
    ["create type pg_temp.mine as enum ('a')", "select 'a'::mine", "42704"],
    ["create domain pg_temp.mine as int", "select 1::mine", "42704"],
    ["do $$ begin create temp table mine (n int); end $$", "select n from mine", "42P01"],
    ["prepare mine as select 1", "execute mine", "26000"],
    ["declare mine cursor with hold for select 1", "fetch 1 from mine", "34000"],
  ])("is not there for another: %s", async (make, use, sqlstate) => {
    await using maker = await place.connect();
    await using other = await place.connect();
    await maker.simple(make);
    expect(await failureOf(other.simple(use))).toBe(sqlstate);
    await maker.simple("discard all");
    await maker.prepared(make, []);
    expect(await failureOf(other.simple(use))).toBe(sqlstate);
    await maker.simple("discard all");
    await using turnstile = await place.turnstile();
    expect(await failureOf(other.simple(use))).toBe(sqlstate);
    await turnstile.turn();
    expect(await failureOf(other.simple(use))).toBe(sqlstate);
  });

  test("is gone when it leaves, whatever it was in", async () => {
    await using other = await place.connect();
    const maker = await place.connect();
    await maker.simple("begin");
    await maker.simple("create temp table mine as select 1 as n");
    await maker.simple("select pg_advisory_lock(4711)");
    await maker.simple("select set_config('search_path', 'nowhere', false)");
    await maker[Symbol.asyncDispose]();
    // Takes both servers: the lock is waited for, not polled.
    await using third = await place.connect();
    await other.simple("begin");
    await other.simple("select pg_advisory_xact_lock(4711)");
    expect(await third.simple("select current_setting('search_path') as path")).toEqual([
      { path: '"$user", public' },
    ]);
    expect(await failureOf(third.simple("select n from mine"))).toBe("42P01");
    expect(await failureOf(other.simple("select n from mine"))).toBe("42P01");
    await other.simple("rollback");
  });

  test("costs nothing where it made nothing", async () => {
    await using client = await place.connect();
    const [start] = await place.rig.postgres.query("select clock_timestamp()::text as time");
    await client.simple("begin; select 1; select 2 where false; commit");
    await repeatedly(3, async (round) => {
      await client.prepared("select $1::int4 as n", [round]);
      await client.query("select $1::int4 as n where false", [round]);
      await client.simple("select 1 as n");
      await client.simple("select 1 as n where false");
      const cleaned = await place.rig.postgres.query(
        "select query from pg_stat_activity where query = 'DISCARD TEMP' and query_start > $1",
        [start?.["time"]],
      );
      expect(cleaned).toEqual([]);
    });
  });
});

/**
 * Each reason for which a client keeps its server in transaction mode: it lasts over transactions while others use
 * the pool, and the server is free as soon as the reason is gone.
 */

import { afterAll, beforeAll, beforeEach, describe, expect, test } from "bun:test";
import { bind, execute, join, parse, query, sync } from "../../support/frontend-messages.ts";
import { PinRig, valueOf } from "./pin-rig.ts";

let rig: PinRig;

beforeAll(async () => {
  rig = await PinRig.start();
  await rig.postgres.query(`
    create procedure make_mine() language plpgsql as $$ begin create temp table mine as select 7 as n; end $$;
    create procedure drop_mine() language plpgsql as $$ begin drop table mine; end $$`);
});

afterAll(async () => {
  expect(rig.pooler.pooler.counters.desyncTotal).toBe(0);
  expect(rig.pooler.lines.filter(({ level }) => level === "error")).toEqual([]);
  await rig[Symbol.asyncDispose]();
});

beforeEach(() => rig.untilRoom());

interface Reason {
  readonly name: string;
  readonly make: string;
  /** Shows that it is there. */
  readonly use: string;
  readonly shows: string;
  /** Shows the same after the reason is gone. */
  readonly gone: string;
  readonly ends: readonly string[];
}

const REASONS: readonly Reason[] = [
  {
    name: "a temporary table",
    make: "create temp table mine as select 7 as n",
    use: "select n from mine",
    shows: "7",
    gone: "42P01",
    ends: ["drop table mine", "discard temp", "discard all", "begin; drop table mine; commit"],
  },
  {
    name: "a temporary function",
    make: "create function pg_temp.mine() returns int language sql as 'select 7'",
    use: "select pg_temp.mine()",
    shows: "7",
    gone: "ErrorResponse",
    ends: ["drop function pg_temp.mine()", "discard temp"],
  },
  {
    name: "a temporary type",
    make: "create type pg_temp.mine as enum ('a')",
    use: "select 'a'::pg_temp.mine",
    shows: "a",
    gone: "ErrorResponse",
    ends: ["drop type pg_temp.mine", "discard all"],
  },
  {
    name: "a table that a DO made",
    make: "do $$ begin create temp table mine as select 7 as n; end $$",
    use: "select n from mine",
    shows: "7",
    gone: "42P01",
    ends: ["do $$ begin drop table mine; end $$", "drop table mine"],
  },
  {
    name: "a table that a procedure made",
    make: "call make_mine()",
    use: "select n from mine",
    shows: "7",
    gone: "42P01",
    ends: ["call drop_mine()", "discard all"],
  },
  {
    name: "an advisory lock of the session",
    make: "select pg_advisory_lock(42)",
    use: "select count(*) from pg_locks where locktype = 'advisory' and pid = pg_backend_pid()",
    shows: "1",
    gone: "0",
    ends: ["select pg_advisory_unlock(42)", "select pg_advisory_unlock_all()", "discard all"],
  },
  {
    name: "a cursor WITH HOLD",
    make: "declare mine cursor with hold for select 7 from generate_series(1, 9)",
    use: "fetch 1 from mine",
    shows: "7",
    gone: "34000",
    ends: ["close mine", "close all", "discard all"],
  },
  {
    name: "LISTEN",
    make: "listen mine",
    use: "select count(*) from pg_listening_channels()",
    shows: "1",
    gone: "0",
    ends: ["unlisten mine", "unlisten *", "discard all"],
  },
];

describe.each(REASONS.map((reason) => [reason.name, reason] as const))("%s", (_name, reason) => {
  test.each(reason.ends)("lasts over transactions, until %s", async (end) => {
    await using client = await rig.connect();
    await client.run(query(reason.make));
    const kept = await valueOf(client, "select pg_backend_pid()");
    expect(await rig.others()).not.toContain(kept);
    expect(await valueOf(client, reason.use)).toBe(reason.shows);
    await rig.others();
    expect(await valueOf(client, reason.use)).toBe(reason.shows);
    await client.run(query(end));
    // Both servers are free: the others hold them for long enough to meet each.
    expect(await rig.others()).toContain(kept);
    expect(await valueOf(client, reason.use)).toContain(reason.gone);
  });

  test("does not last where it was rolled back", async () => {
    if (reason.name.includes("lock")) return expect(reason.shows).toBe("1"); // locks are not rolled back
    await using client = await rig.connect();
    const pid = await valueOf(client, `begin; ${reason.make}; select pg_backend_pid()`);
    await client.run(query("rollback"));
    expect(await rig.others()).toContain(pid);
    expect(await valueOf(client, reason.use)).toContain(reason.gone);
  });

  test("is made by the extended protocol, too, and cleaned when its client leaves", async () => {
    const client = await rig.connect();
    const made = await client.run(join(parse("", reason.make), bind(""), execute(""), sync));
    expect(made.filter((line) => line.startsWith("ErrorResponse"))).toEqual([]);
    const kept = await valueOf(client, "select pg_backend_pid()");
    expect(await rig.others()).not.toContain(kept);
    expect(await valueOf(client, reason.use)).toBe(reason.shows);
    await client[Symbol.asyncDispose]();
    await using next = await rig.connect();
    expect(await valueOf(next, "select count(*) from pg_listening_channels()")).toBe("0");
    await rig.untilLocks(0);
    expect(await valueOf(next, reason.use)).toContain(reason.gone);
  });
});

test.each([
  "begin; create temp table brief (a int) on commit drop; insert into brief values (1); commit",
  "begin; declare brief cursor for select 1; fetch all from brief; commit",
  "begin; select pg_advisory_xact_lock(42); commit",
  "create table if not exists lasting (a int); drop table lasting",
  "begin; create temp table brief (a int); drop table brief; commit",
])("keeps no server for %s", async (sql) => {
  await using client = await rig.connect();
  const pid = await valueOf(client, "select pg_backend_pid()");
  const lines = await client.run(query(sql));
  expect(lines.filter((line) => line.startsWith("ErrorResponse"))).toEqual([]);
  const met = await rig.others();
  expect(new Set(met).size).toBe(2);
  expect(met).toContain(pid);
});

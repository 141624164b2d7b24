/**
 * Prepared statements in transaction mode, against PostgreSQL itself: the same replies in the same
 * order, while the pool rotates.
 */

import { afterAll, afterEach, beforeAll, describe, expect, test } from "bun:test";
import {
  bind,
  closePortal,
  closeStatement,
  describePortal,
  describeStatement,
  execute,
  extended,
  flush,
  join,
  parse,
  query,
  sync,
} from "../../support/frontend-messages.ts";
import { Bench, type Step } from "../../support/same-as-postgres.ts";

let bench: Bench;

beforeAll(async () => {
  bench = await Bench.start();
});

afterAll(() => bench[Symbol.asyncDispose]());

afterEach(() => {
  expect(bench.takeFaults()).toEqual([]);
});

const run = (statement: string): Uint8Array => join(bind(statement), execute());

const SCRIPTS: Readonly<Record<string, readonly Step[]>> = {
  "a named statement in later transactions": [
    { send: join(parse("one", "select 1 as a"), describeStatement("one"), sync) },
    { send: join(run("one"), sync), rotate: true },
    { send: join(describeStatement("one"), sync), rotate: true },
    { send: join(run("one"), sync), rotate: true },
  ],
  "an unknown name in Bind, Describe and Close": [
    { send: join(run("nobody"), sync) },
    { send: join(describeStatement("nobody"), sync), rotate: true },
    { send: join(closeStatement("nobody"), sync), rotate: true },
    { send: join(describePortal("nobody"), execute("nobody"), sync), rotate: true },
    { send: join(execute("nobody"), sync), rotate: true },
    { send: join(closePortal("nobody"), sync), rotate: true },
    { send: query("begin") },
    { send: join(run("nobody"), sync) },
    { send: query("rollback") },
  ],
  "a name that looks like one of the pooler's own": [
    { send: join(parse("mine", "select 1"), sync) },
    { send: join(run("mine"), sync) },
    { send: join(run("carpool_1"), sync) },
    { send: join(describeStatement("carpool_1"), sync) },
    { send: join(parse("carpool_1", "select 'c1'"), run("carpool_1"), sync) },
  ],
  "a name that is in use": [
    { send: join(parse("one", "select 1"), sync) },
    { send: join(parse("one", "select 1"), sync), rotate: true },
    { send: join(parse("one", "select 2"), run("one"), sync), rotate: true },
    { send: join(parse("one", "selec"), run("one"), sync), rotate: true },
    { send: join(run("one"), sync), rotate: true },
    { send: join(parse("two", "select 2"), parse("two", "select 3"), sync) },
    { send: join(run("two"), sync), rotate: true },
  ],
  "a name whose Parse failed": [
    { send: join(parse("one", "selec 1"), run("one"), sync) },
    { send: join(run("one"), sync), rotate: true },
    { send: join(parse("one", "select 1"), run("one"), sync), rotate: true },
    { send: join(run("one"), sync), rotate: true },
  ],
  "a name closed and given again": [
    { send: join(parse("one", "select 1"), sync) },
    {
      send: join(closeStatement("one"), parse("one", "select 2"), run("one"), sync),
      rotate: true,
    },
    { send: join(run("one"), sync), rotate: true },
    { send: join(closeStatement("one"), sync), rotate: true },
    { send: join(run("one"), sync), rotate: true },
    { send: join(closeStatement("one"), closeStatement("one"), flush), until: "CloseComplete" },
    { send: join(closeStatement("one"), sync) },
  ],
  "names pending behind an error": [
    { send: join(parse("one", "select 1"), sync) },
    { send: join(parse("", "selec"), closeStatement("one"), parse("one", "select 2"), sync) },
    { send: join(run("one"), sync), rotate: true },
    { send: join(parse("", "selec"), parse("two", "select 2"), sync) },
    { send: join(run("two"), sync), rotate: true },
    { send: join(parse("", "selec"), closeStatement("one"), sync, run("one"), sync), ready: 2 },
    { send: join(run("one"), sync), rotate: true },
  ],
  "names pending behind an error, with several Syncs in flight": [
    {
      send: join(
        join(parse("", "selec"), parse("one", "select 1"), sync),
        join(run("one"), sync),
        join(parse("one", "select 2"), run("one"), sync),
        join(closeStatement("one"), parse("one", "select 1/0"), run("one"), sync),
        join(run("one"), closeStatement("one"), sync),
        join(run("one"), sync),
        join(closeStatement("one"), sync),
        join(run("one"), sync),
      ),
      ready: 8,
    },
    { send: join(run("one"), sync), rotate: true },
  ],
  "a known statement parsed again in a failed transaction": [
    { send: join(parse("one", "select 1"), sync) },
    { send: query("begin; select 1/0") },
    { send: join(parse("two", "select 1"), sync) },
    { send: join(parse("three", "rollback"), run("three"), sync) },
    { send: join(run("two"), sync) },
  ],
  "a known statement parsed again behind a query that fails the transaction": [
    { send: join(parse("one", "select 1"), sync) },
    {
      send: join(query("begin"), query("select 1/0"), parse("two", "select 1"), sync),
      ready: 3,
    },
    { send: join(run("two"), sync) },
    { send: query("rollback") },
    { send: join(run("two"), sync) },
  ],
  "the unnamed statement in a later transaction": [
    { send: join(parse("", "select 'mine'"), sync) },
    { send: join(run(""), sync), rotate: true },
    { send: join(describeStatement(""), sync), rotate: true },
    { send: join(run(""), sync), rotate: true },
  ],
  "the unnamed statement after a Query": [
    { send: join(parse("", "select 'mine'"), sync) },
    { send: query("select 1"), rotate: true },
    { send: join(run(""), sync), rotate: true },
    { send: join(parse("", "select 'mine'"), sync, query("select 1"), run(""), sync), ready: 3 },
  ],
  "the unnamed statement after a failed Parse": [
    { send: join(parse("", "select 'mine'"), sync) },
    { send: join(parse("", "selec"), sync), rotate: true },
    { send: join(run(""), sync), rotate: true },
    { send: join(parse("", "select 'mine'"), sync) },
    { send: join(parse("", "selec"), sync, run(""), sync), ready: 2, rotate: true },
  ],
  "the unnamed statement after its Close": [
    { send: join(parse("", "select 'mine'"), sync) },
    { send: join(closeStatement(""), sync), rotate: true },
    { send: join(run(""), sync), rotate: true },
  ],
  "the unnamed statement next to named ones in one pipeline": [
    { send: join(parse("", "select 'mine'"), sync) },
    { send: join(parse("one", "select 1"), run("one"), run(""), sync), rotate: true },
    { send: join(run("one"), run(""), run("one"), sync), rotate: true },
    { send: join(parse("", "select 'new'"), parse("two", "select 1"), run(""), sync) },
    { send: join(run(""), run("two"), sync), rotate: true },
  ],
  "the unnamed statement next to a refused Parse": [
    { send: join(parse("", "select 'mine'"), parse("one", "select 1"), sync) },
    { send: query("begin; select 1/0") },
    { send: join(parse("two", "select 1"), sync), ready: 1 },
    { send: query("rollback") },
    { send: join(parse("", "select 'new'"), sync) },
    { send: join(parse("one", "select 2"), sync), rotate: true },
    { send: join(run(""), sync), rotate: true },
  ],
  "a long unnamed statement in a later transaction": [
    { send: join(parse("", `select '${"x".repeat(40_000)}'`), sync) },
    { send: join(run(""), sync), rotate: true },
  ],
  "statements with parameters and their types": [
    {
      send: join(
        parse("one", "select $1 + $2 as sum", [23, 0]),
        parse("two", "select $1 + $2 as sum", [20, 0]),
        describeStatement("one"),
        describeStatement("two"),
        sync,
      ),
    },
    { send: join(bind("one", ["1", "2"]), describePortal(""), execute(), sync), rotate: true },
    { send: join(bind("two", ["1", null]), describePortal(""), execute(), sync), rotate: true },
    { send: join(bind("one", ["x", "2"]), execute(), sync), rotate: true },
    { send: join(bind("one", ["1"]), execute(), sync), rotate: true },
  ],
  "DISCARD ALL and DEALLOCATE ALL in front of a Bind": [
    { send: join(parse("one", "select 1"), sync) },
    { send: join(query("discard all"), run("one"), sync), ready: 2, rotate: true },
    { send: join(parse("one", "select 2"), run("one"), sync), rotate: true },
    { send: join(query("/* x */ deallocate all"), run("one"), sync), ready: 2, rotate: true },
    {
      send: join(
        parse("one", "select 3"),
        sync,
        query("DEALLOCATE ALL"),
        parse("one", "select 3"),
        run("one"),
        sync,
      ),
      ready: 3,
    },
    { send: join(run("one"), sync), rotate: true },
  ],
  "DEALLOCATE ALL behind another statement of the same Query": [
    { send: join(parse("one", "select 1"), run("one"), sync) },
    { send: join(query("select 1; deallocate all"), run("one"), sync), ready: 2 },
    { send: join(parse("one", "select 1"), run("one"), sync) },
    { send: join(run("one"), sync), rotate: true },
  ],
  "DEALLOCATE ALL behind another statement, with names given behind it": [
    { send: join(parse("one", "select 1"), run("one"), sync) },
    {
      send: join(
        query("select 1; deallocate all"),
        join(parse("two", "select 2"), parse("three", "select 3"), closeStatement("three"), sync),
        join(run("two"), sync),
      ),
      ready: 3,
    },
    { send: join(parse("one", "select 4"), run("one"), run("two"), sync), rotate: true },
    { send: join(parse("three", "select 2"), run("three"), sync), rotate: true },
  ],
  "DEALLOCATE ALL inside a DO block": [
    { send: query("begin") },
    { send: join(parse("one", "select 1"), parse("two", "select 2"), sync) },
    { send: query("do $$ begin execute 'deallocate all'; end $$") },
    { send: join(describeStatement("two"), sync) },
    { send: query("rollback") },
  ],
  "DEALLOCATE ALL through Execute": [
    { send: join(parse("one", "select 1"), sync) },
    { send: join(extended("deallocate all"), run("one"), sync) },
    { send: join(run("one"), sync), rotate: true },
    { send: join(parse("one", "select 1"), run("one"), sync) },
    { send: join(parse("all", "deallocate all"), sync) },
    {
      send: join(run("all"), parse("one", "select 2"), run("one"), parse("two", "select 1"), sync),
      rotate: true,
    },
    { send: join(run("one"), run("two"), sync) },
    { send: join(run("one"), run("two"), sync), rotate: true },
    { send: join(run("all"), sync), rotate: true },
  ],
  "DISCARD ALL through Execute": [
    { send: join(parse("one", "select 1"), sync) },
    { send: join(extended("discard all"), sync, run("one"), sync), ready: 2 },
    { send: join(parse("one", "select 1"), run("one"), sync), rotate: true },
  ],
  "a statement whose table is gone and comes back": [
    { send: query("create table t_gone (a int)") },
    { send: join(parse("one", "select * from t_gone"), run("one"), sync) },
    { send: query("drop table t_gone"), rotate: true },
    { send: join(run("one"), sync), rotate: true },
    { send: query("create table t_gone (a int)"), rotate: true },
    { send: join(run("one"), sync), rotate: true },
    { send: query("drop table t_gone") },
  ],
};

test("a server that lost its statements unseen is of use again to the next client", async () => {
  const lose = query("do $$ begin execute 'deallocate all'; end $$");
  await using client = await bench.pooled();
  await client.run(query("begin"));
  await client.run(join(parse("one", "select 1"), sync));
  await client.run(lose);
  // PostgreSQL would take the name now. The pooler does not know that; but no harm may come of it.
  const again = await client.run(join(parse("one", "select 'another'"), sync));
  expect(again[0]).toBe('ErrorResponse ERROR: 42P05: prepared statement "one" already exists');
  await client.run(query("rollback"));
  const lost = await client.run(join(run("one"), sync));
  expect(lost[0]).toBe('ErrorResponse ERROR: 26000: prepared statement "one" does not exist');
  expect(await client.run(join(run("one"), sync))).toContain('DataRow "1"');
});

describe("answers as PostgreSQL does:", () => {
  test.each(Object.entries(SCRIPTS))("%s", async (_name, steps) => {
    const { expected, actual } = await bench.compare(steps);
    expect(actual).toEqual([...expected]);
  });

  test.each(Object.entries(SCRIPTS))("%s, byte by byte", async (_name, steps) => {
    const { expected, actual } = await bench.compare(steps, "bytes");
    expect(actual).toEqual([...expected]);
  });
});

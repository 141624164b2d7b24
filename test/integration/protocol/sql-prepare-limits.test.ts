/**
 * What SQL prepares is one client's own, and bounded: other clients, other servers, refusals.
 */

import { afterAll, afterEach, beforeAll, expect, test } from "bun:test";
import { bind, execute, join, parse, query, sync } from "../../support/frontend-messages.ts";
import { Bench } from "../../support/same-as-postgres.ts";

let bench: Bench;

beforeAll(async () => {
  bench = await Bench.start({
    config: { maxClientPreparedStatements: 3 },
    user: { pool_size: 1 },
  });
});

afterAll(() => bench[Symbol.asyncDispose]());

afterEach(() => {
  expect(bench.takeFaults()).toEqual([]);
});

const OTHERS = "select count(*)::int from pg_prepared_statements where name not like 'carpool%'";

test("two clients have statements of the same name on one server", async () => {
  await using one = await bench.pooled();
  await using two = await bench.pooled();
  await one.run(query("prepare a as select 'of one'"));
  await two.run(query("prepare a as select 'of two'"));
  expect(await one.run(query("execute a"))).toContain('DataRow "of one"');
  expect(await two.run(query("execute a"))).toContain('DataRow "of two"');
  expect(await one.run(query(`deallocate a; ${OTHERS}`))).toContain('DataRow "0"');
  expect(await two.run(query("execute a"))).toContain('DataRow "of two"');
});

test("a client executes nothing that another one has prepared, seen or unseen", async () => {
  await using one = await bench.pooled();
  await using two = await bench.pooled();
  await one.run(query("prepare a as select 'secret'"));
  await one.run(query("do $$ begin execute 'prepare hidden as select ''secret'''; end $$"));
  const texts = ["execute a", "execute hidden", "explain execute a", "deallocate a"];
  await two.send(join(...texts.map(query)), "whole");
  const lines = await two.untilReady(texts.length);
  expect(lines.filter((line) => line.startsWith("ErrorResponse ERROR: 26000"))).toHaveLength(4);
  expect(await two.run(join(bind("a"), execute(), sync))).toContain(
    'ErrorResponse ERROR: 26000: prepared statement "a" does not exist',
  );
});

test("leaves nothing to the next client when its client dies in the middle", async () => {
  const dying = await bench.pooled();
  await dying.run(query("begin; prepare a as select 'secret'"));
  await dying[Symbol.asyncDispose]();
  await using next = await bench.pooled();
  expect(await next.run(query(OTHERS))).toContain('DataRow "0"');
  expect((await next.run(query("execute a")))[0]).toStartWith("ErrorResponse ERROR: 26000");
});

test("refuses one name more than a client may have, and leaves the transaction failed", async () => {
  await using client = await bench.pooled();
  await client.run(join(parse("a", "select 'a'"), sync));
  await client.run(query("prepare b as select 'b'"));
  await client.run(query("prepare c as select 'c'"));
  const refusal = await client.run(query("prepare d as select 'd'"));
  expect(refusal[0]).toStartWith("ErrorResponse ERROR: 53400: too many prepared statements");
  expect(refusal.at(-1)).toBe("ReadyForQuery I");
  expect(await client.run(query("execute b"))).toContain('DataRow "b"');
  await client.run(query("begin"));
  const inTransaction = await client.run(query("prepare d as select 'd'"));
  expect(inTransaction.at(-1)).toBe("ReadyForQuery E");
  await client.run(query("rollback"));
  await client.run(query("deallocate a"));
  expect((await client.run(query("prepare d as select 'd'")))[0]).toBe("CommandComplete PREPARE");
  expect(await client.run(query("execute d; execute c"))).toContain('DataRow "c"');
});

test("counts a name once, and refuses a name in use for that alone", async () => {
  await using client = await bench.pooled();
  await client.run(query("prepare a as select 'a'; prepare b as select 'b'"));
  await client.run(query("begin; execute a; execute b"));
  expect((await client.run(query("prepare c as select 'c'")))[0]).toBe("CommandComplete PREPARE");
  await client.run(query("commit"));
  expect((await client.run(query("prepare c as select 'd'")))[0]).toStartWith(
    "ErrorResponse ERROR: 42P05",
  );
  expect(await client.run(query("execute c"))).toContain('DataRow "c"');
});

test("refuses the rest of a pipeline of PREPAREs at the limit", async () => {
  await using client = await bench.pooled();
  const names = ["a", "b", "c", "d", "e"];
  await client.send(join(...names.map((name) => query(`prepare ${name} as select 1`))), "whole");
  const lines = await client.untilReady(5);
  expect(lines.filter((line) => line === "CommandComplete PREPARE")).toHaveLength(3);
  expect(lines.filter((line) => line.includes("53400"))).toHaveLength(2);
});

test("undoes at the end of its transaction what a text of more than 16 KB prepares", async () => {
  await using client = await bench.pooled();
  const long = `prepare a as select length('${"x".repeat(20_000)}')`;
  const lines = await client.run(query(`begin; ${long}; execute a`));
  expect(lines).toContain('DataRow "20000"');
  expect(await client.run(query("commit; select 1"))).toContain('DataRow "1"');
  expect((await client.run(query("execute a")))[0]).toStartWith("ErrorResponse ERROR: 26000");
  expect(await client.run(query(OTHERS))).toContain('DataRow "0"');
});

test("keeps the server's statements of ours when a client has prepared by SQL", async () => {
  await using client = await bench.pooled();
  await using other = await bench.pooled();
  await other.run(join(parse("kept", "select 'kept'"), bind("kept"), execute(), sync));
  await client.run(query("prepare a as select 1; execute a"));
  await client.run(query("execute a"));
  const ours = "select statement from pg_prepared_statements";
  expect(await other.run(query(ours))).toContain(`DataRow "select 'kept'"`);
});

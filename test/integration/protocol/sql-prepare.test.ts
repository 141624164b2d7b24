/**
 * PREPARE, EXECUTE and DEALLOCATE of SQL, mixed with the protocol's statements of the same names: as PostgreSQL
 * answers, while the client has another server before each step.
 */

import { afterAll, afterEach, beforeAll, describe, expect, test } from "bun:test";
import {
  bind,
  closeStatement,
  copyData,
  copyDone,
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
  await bench.postgres.query("create table stock (id int primary key, name text)");
  await bench.postgres.query("insert into stock values (1, 'one'), (2, 'two')");
});

afterAll(() => bench[Symbol.asyncDispose]());

afterEach(() => {
  expect(bench.takeFaults()).toEqual([]);
});

const run = (statement: string, ...values: readonly string[]): Uint8Array =>
  join(bind(statement, values), execute());
const say = (sql: string): Step => ({ send: query(sql), rotate: true });
const sayNow = (sql: string): Step => ({ send: query(sql) });
/** Each message of the extended protocol, and a Sync. */
const send = (...messages: readonly Uint8Array[]): Step => ({
  send: join(...messages, sync),
  rotate: true,
});

const SIMPLE: Readonly<Record<string, readonly Step[]>> = {
  "a statement that outlives its transaction": [
    say("prepare a as select 1"),
    say("execute a"),
    say("execute a"),
    say("deallocate a"),
    say("execute a"),
    say("deallocate a"),
  ],
  "types, parameters and parentheses": [
    say("prepare a (int, numeric(5, 2), text) as select $1 + 1, $2, $3 || 'x' as text"),
    say("execute a(1, 2.345, 'y')"),
    say("execute a(1, 2)"),
    say("execute a('x', 2, 3)"),
  ],
  "types that PostgreSQL finds out": [
    say("prepare a as select name from stock where id = $1"),
    say("execute a(1)"),
    say("execute a('2')"),
  ],
  "a name in use": [
    say("prepare a as select 1"),
    say("prepare a as select 2"),
    say("execute a"),
    say("begin"),
    sayNow("prepare a as select 3"),
    sayNow("execute a"),
    sayNow("rollback"),
    say("execute a"),
  ],
  "a name that nobody gave": [
    say("execute nobody"),
    say("explain execute nobody"),
    say("create table t as execute nobody"),
    say("deallocate nobody"),
    say("execute nobody(1, 2)"),
  ],
  "names in quotes, in capitals, too long, and not in ASCII": [
    say('prepare "A b""c" as select 1'),
    say('execute "A b""c"'),
    say("prepare Abc as select 2"),
    say("EXECUTE ABC"),
    say(`prepare ${"x".repeat(70)} as select 3`),
    say(`execute ${"x".repeat(63)}`),
    say("prepare \"größe\" as select 'ü', 4"),
    say('execute "größe"'),
    say('deallocate "größe"'),
    say('execute "größe"'),
    say('execute "A b""c"; execute abc'),
  ],
  "several in one Query, with comments": [
    say("select 'ü'; prepare a as select 1; /* as */ prepare b -- as\n as select 2; execute a"),
    say("execute b; execute a; execute b"),
    say("deallocate a; prepare a as select 3; execute a"),
    say("execute a; deallocate a; execute a; execute b"),
    say("execute a"),
    say("execute b"),
  ],
  "a transaction that is rolled back": [
    say("begin"),
    sayNow("prepare a as select 1"),
    sayNow("rollback"),
    say("execute a"),
    say("begin"),
    sayNow("deallocate a"),
    sayNow("rollback"),
    say("execute a"),
    say("begin; prepare a as select 2; select 1/0"),
    sayNow("rollback"),
    say("execute a"),
  ],
  "errors in the middle": [
    say("prepare a as select 1; select nope; prepare b as select 2"),
    say("execute a"),
    say("execute b"),
    say("prepare a as select * from nothing"),
    say("prepare b as selec"),
    say("execute b"),
    say("prepare c as select 1/$1::int; execute c(0)"),
    say("execute c(1)"),
    say("execute c(0); execute c(1)"),
    say("execute c(1, 2)"),
    say("select 1"),
  ],
  "a failed transaction": [
    say("prepare a as select 1"),
    say("begin"),
    sayNow("select nope"),
    sayNow("execute a"),
    sayNow("deallocate a"),
    sayNow("prepare b as select 1"),
    sayNow("rollback"),
    say("execute a"),
    say("execute b"),
  ],
  "DISCARD ALL and DEALLOCATE ALL": [
    say("prepare a as select 1"),
    say("deallocate all"),
    say("execute a"),
    say("prepare a as select 2"),
    say("discard all"),
    say("execute a"),
    say("begin; prepare a as select 3; deallocate all; prepare b as select 4"),
    sayNow("execute a"),
    sayNow("rollback"),
    say("execute a"),
    say("execute b"),
    say("prepare c as select 5; deallocate all; prepare d as select 6; commit"),
    say("execute c"),
    say("execute d"),
    say("deallocate prepare all; execute d"),
    say("discard plans"),
  ],
  "EXPLAIN EXECUTE and CREATE TABLE AS EXECUTE": [
    say("prepare a (int) as select id, name from stock where id = $1"),
    say("explain (costs off) execute a(1)"),
    say("explain (costs off, analyze, timing off, summary off, buffers off) execute a(1)"),
    say("create table copied as execute a(2); select * from copied; drop table copied"),
    say("begin; create temp table copied on commit drop as execute a(1)"),
    sayNow("table copied; commit"),
  ],
  "statements that write": [
    say("prepare put as insert into stock values ($1, $2) on conflict do nothing returning *"),
    say("execute put(3, 'three')"),
    say("prepare drop_it as delete from stock where id = $1"),
    say("execute drop_it(3); execute drop_it(3)"),
    say("begin; execute put(4, 'four'); rollback; select * from stock order by id"),
    say("prepare up as update stock set name = name where id = $1"),
    say("execute up(1)"),
  ],
  "a table that is gone": [
    say("create table brief (a int); prepare a as select * from brief; execute a"),
    say("drop table brief"),
    say("execute a"),
    say("begin"),
    sayNow("execute a"),
    sayNow("select 1"),
    sayNow("rollback"),
    say("create table brief (a int)"),
    say("execute a"),
    say("drop table brief"),
    say("deallocate a"),
    say("execute a"),
  ],
  "a call that changes settings": [
    say("prepare a as select set_config('my.name', $1, false)"),
    say("execute a('x')"),
    say("select current_setting('my.name')"),
    say("create table kept as execute a('y'); drop table kept"),
    say("select current_setting('my.name')"),
  ],
  "texts in LATIN1": [
    say("set client_encoding = 'LATIN1'"),
    {
      send: Uint8Array.from(query("prepare a as select '#'"), (byte) =>
        byte === 35 ? 0xe9 : byte,
      ),
    },
    say("execute a"),
    say("prepare b as select 1; execute a"),
    say("deallocate a; execute b"),
    say("execute a"),
  ],
};

const MIXED: Readonly<Record<string, readonly Step[]>> = {
  "SQL executes what Parse has prepared": [
    send(parse("a", "select name from stock where id = $1", [23])),
    say("execute a(1)"),
    send(run("a", "2")),
    say("begin; execute a(1); commit; execute a(2)"),
    say("explain (costs off) execute a(1)"),
  ],
  "the protocol binds what SQL has prepared": [
    say("prepare a (int) as select $1 + 1"),
    send(describeStatement("a"), run("a", "1")),
    send(run("a", "2")),
    send(closeStatement("a")),
    send(run("a", "3")),
    say("execute a(1)"),
  ],
  "in the transaction that prepares it": [
    say("begin"),
    sayNow("prepare a as select 1"),
    { send: join(describeStatement("a"), run("a"), sync) },
    { send: join(parse("a", "select 2"), sync) },
    sayNow("rollback"),
    send(run("a")),
  ],
  "names in use, both ways": [
    send(parse("a", "select 1")),
    say("prepare a as select 2"),
    say("execute a"),
    say("prepare b as select 3"),
    send(parse("b", "select 4")),
    send(run("b")),
    send(run("a")),
  ],
  "names given up in one way and given again in the other": [
    send(parse("a", "select 1")),
    say("deallocate a; prepare a as select 2"),
    send(run("a")),
    send(closeStatement("a"), parse("a", "select 3")),
    say("execute a"),
    say("begin"),
    sayNow("execute a"),
    { send: join(closeStatement("a"), parse("a", "select 4"), run("a"), sync) },
    sayNow("execute a; commit"),
    say("execute a"),
    send(run("a")),
  ],
  "PREPARE, EXECUTE and DEALLOCATE by the extended protocol": [
    send(extended("prepare a as select 1")),
    send(extended("execute a")),
    send(parse("", "execute a"), describeStatement(""), bind(""), execute()),
    send(extended("deallocate a")),
    send(extended("execute a")),
    send(parse("a", "select 2")),
    send(extended("deallocate a")),
    send(run("a")),
    send(extended("explain (costs off) execute a")),
    send(extended("deallocate all")),
  ],
  "a statement of the protocol that executes one of SQL": [
    say("prepare inner_one as select 1 as x"),
    send(parse("outer_one", "execute inner_one"), describeStatement("outer_one")),
    send(run("outer_one")),
    send(describeStatement("outer_one"), run("outer_one")),
    say("execute inner_one"),
    send(closeStatement("outer_one")),
    send(run("outer_one")),
  ],
  "errors of Bind, Parse and Execute in a segment with names": [
    say("prepare a as select 1/$1::int"),
    send(extended("execute a(0)"), extended("execute a(1)")),
    send(parse("b", "selec"), extended("execute a(1)")),
    send(extended("execute a(1)")),
    send(run("nobody"), extended("execute a(1)")),
    send(extended("execute a(1)"), run("nobody"), extended("deallocate a")),
    say("execute a(1)"),
  ],
  pipelines: [
    {
      send: join(
        query("prepare a as select 1"),
        query("execute a"),
        run("a"),
        sync,
        query("deallocate a"),
        query("execute a"),
        parse("a", "select 2"),
        run("a"),
        sync,
        query("execute a"),
      ),
      ready: 7,
      rotate: true,
    },
    {
      send: join(
        query("execute a"),
        query("select nope; execute a"),
        query("execute a"),
        run("a"),
        sync,
      ),
      ready: 4,
      rotate: true,
    },
    {
      send: join(
        query("begin"),
        query("execute a"),
        query("select nope"),
        query("execute a"),
        query("rollback"),
        query("execute a"),
      ),
      ready: 6,
      rotate: true,
    },
    {
      send: join(
        parse("c", "select 3"),
        sync,
        query("execute c"),
        parse("d", "selec"),
        sync,
        query("execute d"),
      ),
      ready: 4,
      rotate: true,
    },
    say("execute c"),
  ],
  "a Query inside an open segment": [
    send(parse("a", "select 1")),
    { send: join(parse("b", "select 2"), query("execute a"), sync), ready: 2, rotate: true },
    { send: join(parse("c", "selec"), query("execute a"), sync), rotate: true },
    { send: join(run("a"), flush), until: "CommandComplete", rotate: true },
    { send: join(query("execute a; execute b"), sync), ready: 2 },
    say("execute b"),
  ],
  "DISCARD ALL with both kinds": [
    send(parse("a", "select 1")),
    say("prepare b as select 2"),
    say("begin; execute a; commit; discard all"),
    say("discard all"),
    send(run("a")),
    send(run("b")),
    send(parse("b", "select 3"), run("b")),
    say("execute b"),
  ],
  "a client that a temporary table pins to its server, and that is free again": [
    say("prepare before as select 1"),
    say("create temp table kept (a int); prepare a as select count(*) from kept"),
    sayNow("execute a"),
    // It has its server all the time, and nobody else could take both.
    sayNow("insert into kept values (1); execute a; execute before"),
    { send: join(describeStatement("a"), run("a"), sync) },
    { send: join(parse("c", "select 3"), run("before"), run("c"), sync) },
    sayNow("deallocate before"),
    sayNow("prepare b as select 2; drop table kept"),
    say("execute b; execute c"),
    send(run("b"), run("c")),
    say("execute before"),
    say("execute a"),
    say("deallocate b"),
    say("execute b"),
  ],
  "a COPY behind an EXECUTE": [
    say("prepare a as select 1"),
    say("create table copied (x int)"),
    {
      send: join(query("prepare b as select 2; copy copied from stdin")),
      until: "CopyInResponse",
      rotate: true,
    },
    { send: join(copyData("7\n"), copyDone) },
    say("execute b; table copied; drop table copied"),
  ],
};

describe.each([
  ["by Query", SIMPLE],
  ["with the protocol's own", MIXED],
])("%s", (_what, scripts) => {
  test.each(Object.entries(scripts))("%s", async (_name, steps) => {
    const { expected, actual } = await bench.compare(steps);
    expect(actual).toEqual([...expected]);
  });

  test.each(Object.entries(scripts))("%s, byte by byte", async (_name, steps) => {
    const { expected, actual } = await bench.compare(steps, "bytes");
    expect(actual).toEqual([...expected]);
  });
});

import { describe, expect, test } from "bun:test";
import { PIN } from "../../src/sql/effects.ts";
import { SQL_BYTES_MAX, SqlReader } from "../../src/sql/sql-reader.ts";
import { GRAMMAR } from "../support/grammar.ts";

const reader = new SqlReader(GRAMMAR);
const read = (sql: string) => reader.effectsOf(sql);

describe("effectsOf: settings", () => {
  test.each([
    "select set_config('a', 'b', false)",
    "SELECT SET_CONFIG('a', 'b', FALSE)",
    "select Set_Config('a', 'b', 'f')",
    `select pg_catalog."set_config"('a', 'b', false)`,
    "select set_config('a', 'b', $1)",
    "select set_config('a', $1, true and $2)",
    "select set_config('a', 'b, true)', false)",
    "select set_config('a', E'\\', true)', false)",
    "select set_config('a', $x$, true)$x$, false)",
    `select set_config('a', current_setting('b'), false)`,
    "select set_config /* , true) */ ('a', 'b', false)",
    "select set_config('a', 'b', true), set_config('c', 'd', false)",
    "select 1 where exists (select set_config(is_local => true, setting_name => 'a', new_value => 'b'))",
    "prepare p as select set_config('a', 'b', false)",
    "do $$ begin perform set_config('a', 'b', false); end $$",
    "/* why */ DO 'begin end'",
    "begin; do $$ begin end $$; commit",
    "set_config('a', 'b', false)",
    "update pg_catalog.pg_settings set setting = 'b' where name = 'a'",
    "with x as (select 1) update PG_SETTINGS set setting = 'b'",
    "explain analyze select set_config('a', 'b', false)",
  ])("may keep what %s sets", (sql) => {
    expect(read(sql).keepsUnseen).toBe(true);
  });

  test.each([
    "select 1",
    "select set_config('a', 'b', true)",
    "select set_config",
    "select set_config('a', (select set_config from t), true)",
    "set work_mem = 1",
    "insert into t values (1) on conflict do nothing",
    `SELECT "set_config" ( 'a' , 'it''s' , TRUE )`,
    `select "Set_Config"('a', 'b', false)`,
    "select 'set_config(1)'",
    "update settings set setting = 'b'",
    "select * from pg_settings",
    "select set_config('search_path', $1, true), set_config('request.jwt.claims', $2, true)",
  ])("keeps nothing of %s", (sql) => {
    expect(read(sql)).toMatchObject({ understood: true, keepsUnseen: false });
  });

  test("finds names of custom settings, also in the body of a DO", () => {
    expect(read("set my.one = 1; set My.Two = my.one").customNames).toEqual(["my.one", "my.two"]);
    expect(read("do $$ begin set my.name = 1; end $$").customNames).toEqual(["my.name"]);
  });
});

describe("effectsOf: creations", () => {
  test.each([
    ["create table t ()", true],
    ["create table t as select 1", true],
    ["create or replace function f() returns int language sql as 'select 1'", true],
    ["create view v as select 1", true],
    ["create temp table t ()", false],
    ["create temp table t () on commit drop", false],
    ["create temp table t on commit drop as select 1", false],
    ["create table pg_temp.t ()", false],
    ["create index on t (a)", false],
    ["create role r", false],
  ])("others can see what %s makes: %p", (sql, creates) => {
    expect(read(sql).creates).toBe(creates);
  });
});

describe("effectsOf: pins", () => {
  test.each([
    ["create temp table t ()", PIN.temporary],
    ["create temp table t () on commit delete rows", PIN.temporary],
    ["create local temporary table t as select 1", PIN.temporary],
    ["create table pg_temp.t ()", PIN.temporary],
    ["create table pg_temp_3.t ()", PIN.temporary],
    ["create temp sequence s", PIN.temporary],
    ["create temp view v as select 1", PIN.temporary],
    ["create or replace view pg_temp.v as select 1", PIN.temporary],
    ["select 1 as a into temp t", PIN.temporary],
    ["select 1 as a into pg_temp.t union select 2", PIN.temporary],
    ["create function pg_temp.f() returns int language sql as 'select 1'", PIN.temporary],
    ["create procedure pg_temp.f() language sql as 'select 1'", PIN.temporary],
    ["create aggregate pg_temp.f(int) (sfunc = int4pl, stype = int)", PIN.temporary],
    ["create type pg_temp.t as enum ('a')", PIN.temporary],
    ["create type pg_temp.t as (a int)", PIN.temporary],
    ["create type pg_temp.t as range (subtype = int)", PIN.temporary],
    ["create domain pg_temp.t as int", PIN.temporary],
    ["explain analyze create temp table t as select 1", PIN.temporary],
    ["prepare p as select pg_advisory_lock(1)", PIN.advisoryLock],
    ["select pg_try_advisory_lock(1, 2)", PIN.advisoryLock],
    ["select * from t where pg_catalog.pg_advisory_lock_shared(id) is null", PIN.advisoryLock],
    ["declare c cursor with hold for select 1", PIN.holdableCursor],
    ["listen a", PIN.listen],
    ["listen a; create temp table t ()", PIN.listen | PIN.temporary],
  ])("%s pins", (sql, pins) => {
    expect(read(sql)).toMatchObject({ understood: true, pins });
  });

  test.each([
    "create temp table t () on commit drop",
    "create temp table t on commit drop as select 1",
    "create table temp ()",
    "select temp from pg_temp.t",
    "insert into pg_temp.t select 1",
    "drop table pg_temp.t",
    "select pg_advisory_xact_lock(1), pg_try_advisory_xact_lock_shared(1)",
    "select pg_advisory_unlock(1)",
    `select "PG_ADVISORY_LOCK"(1), 'pg_advisory_lock(1)'`,
    "declare c cursor without hold for select 1",
    "declare c cursor for select 'with hold'",
    "notify a",
    "unlisten *",
  ])("%s does not pin", (sql) => {
    expect(read(sql)).toMatchObject({ understood: true, pins: 0 });
  });

  test.each([
    "drop table t",
    "discard temp",
    "discard all",
    "unlisten a",
    "close c",
    "select pg_advisory_unlock(1)",
    "select pg_advisory_unlock_all()",
  ])("%s may release", (sql) => {
    expect(read(sql).releases).toBe(true);
  });
});

describe("effectsOf: prepared statements", () => {
  test.each([
    ["prepare a as select 1", ["a"]],
    ['execute "A b"(1)', ["A b"]],
    ["EXECUTE Abc", ["abc"]],
    ["explain (analyze, format json) execute a(1)", ["a"]],
    ["create table t as execute a(1)", ["a"]],
    ["deallocate prepare a", ["a"]],
    ['deallocate "all"', ["all"]],
    ["deallocate a; prepare a as select 1; execute b; execute a", ["a", "b"]],
    ["deallocate all", []],
    ["discard plans", []],
    ["do 'begin execute a; end'", []],
    [`execute ${"x".repeat(70)}`, ["x".repeat(63)]],
  ])("%s names %p", (sql, names) => {
    expect(read(sql).statementNames).toEqual(names);
  });

  test.each([
    "deallocate all",
    "\t\r\n Deallocate s",
    ";; discard all",
    "select 1; discard all",
    "-- nothing\ndiscard all",
    "/* x */ DISCARD ALL",
    "deallocate a",
  ])("%s forgets", (sql) => {
    expect(read(sql).forgets).toBe(true);
  });

  test.each(["discard plans", "execute a", "prepare a as select 1"])(
    "%s forgets nothing",
    (sql) => {
      expect(read(sql).forgets).toBe(false);
    },
  );

  test("sees a COPY that reads from the client", () => {
    expect(read("execute a; copy t from stdin").copiesIn).toBe(true);
    expect(read("copy t to stdout; copy t from '/a'").copiesIn).toBe(false);
  });
});

describe("preparedBody", () => {
  test.each([
    ["prepare a as select 1", "select 1"],
    ["prepare a (int, numeric(10, 2)) as select $1 as x", "select $1 as x"],
    ["begin; prepare a as select 'ü;' ; commit", "select 'ü;'"],
    ["select 'ü'; /* as */ prepare a -- as\n/* as */ as /* why */ select 1;", "/* why */ select 1"],
    ["prepare a as select 1; deallocate a; prepare a as select 2", "select 2"],
    [
      'prepare "a" as insert into t values ($1) returning *',
      "insert into t values ($1) returning *",
    ],
    ["prepare b as select 1; prepare a as (select 2)", "(select 2)"],
  ])("cuts %s", (sql, body) => {
    const cut = reader.preparedBody(sql, "a") ?? "";
    expect(cut.trimStart()).toBe(body);
    const place = sql.replace(/;?\s*(?:commit)?$/, "").lastIndexOf(body);
    expect(cut.length - cut.trimStart().length).toBe(place);
  });

  test.each([
    "prepare b as select 1",
    "execute a",
    "",
    "prepare a as selec",
    "a".repeat(SQL_BYTES_MAX + 1),
  ])("finds nothing in %p", (sql) => {
    expect(reader.preparedBody(sql, "a")).toBeNull();
  });
});

describe("SqlReader", () => {
  test.each([
    "selec",
    "prepare a as",
    "create temp table",
    `select '${"x".repeat(SQL_BYTES_MAX)}'`,
    `select set_config(${"'',".repeat(5_000)}`,
    "select \ud800'",
  ])("takes what nobody can read for the worst", (sql) => {
    expect(read(sql)).toMatchObject({ understood: false, keepsUnseen: true, forgets: true });
  });

  test("guesses pins by the words of what nobody can read", () => {
    expect(read("selec temp").pins).toBe(PIN.temporary);
    expect(read("selec pg_advisory_lock").pins).toBe(PIN.advisoryLock);
    expect(read("selec with\nhold").pins).toBe(PIN.holdableCursor);
    expect(read("selec; LISTEN a").pins).toBe(PIN.listen);
    expect(read("selec").pins).toBe(0);
  });

  test("finds a bounded number of names of bounded length", () => {
    const many = Array.from({ length: 1000 }, (_, index) => `set my.n${index} = 1`).join(";");
    expect(read(many).customNames).toHaveLength(256);
    const long = `set ${"x".repeat(5000)}.${"y".repeat(5000)} = 1`;
    expect(read(long).customNames.join("").length).toBeLessThan(200);
  });

  test("remembers what it was asked for lately", () => {
    const fresh = new SqlReader(GRAMMAR);
    const first = fresh.effectsOf("listen a");
    expect(fresh.effectsOf("listen a")).toBe(first);
    for (let index = 0; index < 4_095; index += 1) fresh.effectsOf(`listen a${index}`);
    expect(fresh.effectsOf("listen a")).toBe(first);
    expect(fresh.size).toBe(4_096);
    for (let index = 0; index < 4_096; index += 1) fresh.effectsOf(`listen b${index}`);
    expect(fresh.size).toBe(4_096);
    expect(fresh.effectsOf("listen a")).not.toBe(first);
  });

  test("remembers no more than 4 MB of texts", () => {
    const fresh = new SqlReader(GRAMMAR);
    for (let index = 0; index < 300; index += 1)
      fresh.effectsOf(`listen a; select '${index}${"x".repeat(16_000)}'`);
    expect(fresh.characters).toBeLessThanOrEqual(4_194_304);
    expect(fresh.size).toBeLessThan(300);
    expect(fresh.characters).toBeGreaterThan(3_000_000);
  });
});

import { describe, expect, test } from "bun:test";
import { array, assert, boolean, constantFrom, option, property, tuple } from "fast-check";
import { SqlReader } from "../../src/sql/sql-reader.ts";
import { mayBeStateful } from "../../src/sql/stateful-text.ts";
import { GRAMMAR } from "../support/grammar.ts";

const encoder = new TextEncoder();
const passes = (sql: string): boolean => {
  const bytes = encoder.encode(`${sql}\0`);
  return mayBeStateful(bytes, 0, bytes.length);
};

describe("mayBeStateful", () => {
  test.each([
    "",
    " ;; ",
    "select 1",
    "-- set a = 1\nselect 1",
    "/* set /* nested */ a = 1 */ select 1",
    "begin; select 1; commit",
    "insert into items (a_b, c_d) values ($1, $2) on conflict do nothing",
    "update t set a = 1; delete from t; rollback; savepoint s; show a; lock t; close c",
    "with x as (select 1) select e_commerce, row_count from x where a & b > 0",
    "start transaction; copy t from stdin; notify x; fetch c; refresh materialized view v",
  ])("lets go of %p", (sql) => {
    expect(passes(sql)).toBe(false);
  });

  test.each([
    "set a = 1",
    "\t\r\n\f ; SET a = 1",
    "select 1;set a = 1",
    "select ';--'; set a = 1",
    "select '; /* ', 1; set a = 1",
    "--\rset a = 1",
    "/* /* */ */-- x\n/**/reset all",
    "commit;discard all",
    "do $$ begin end $$",
    "deallocate a",
    "declare c cursor with hold for select 1",
    "prepare a as select 1",
    "execute a",
    "explain execute a",
    "create table a as execute b",
    "listen a",
    "load 'a'",
    "select set_config('a', 'b', false)",
    "update pg_settings set setting = 'b'",
    `select "set_config"('a', 'b', false)`,
    'select U&"set\\005fconfig"(1)',
    "select u&\"!0070g_advisory_lock\" uescape '!'",
    "select PG_TRY_ADVISORY_LOCK(1)",
    "select 1 into TEMPORARY a",
    "select 1 into pg_temp.a",
    `select 1 -- ${"-".repeat(5_000)}`.replace("select 1 ", ""),
  ])("passes %p on", (sql) => {
    expect(passes(sql)).toBe(true);
  });

  test("passes on what is not there to its end, wherever it is cut", () => {
    const bytes = encoder.encode("select 1; select 'a' -- b\n, /* c */ d_e\0");
    for (let end = 0; end < bytes.length; end += 1) expect(mayBeStateful(bytes, 0, end)).toBe(true);
    expect(mayBeStateful(bytes, 0, bytes.length)).toBe(false);
  });

  test("reads nothing outside its range", () => {
    const bytes = encoder.encode("set a = 1;\0select 1\0; set a = 1\0");
    expect(mayBeStateful(bytes, 11, bytes.length)).toBe(false);
  });

  test("finds its words between bytes of any encoding", () => {
    for (let lead = 0x80; lead <= 0xff; lead += 1) {
      const bytes = new Uint8Array([lead, ...encoder.encode("; set a = 1\0")]);
      expect(mayBeStateful(bytes, 0, bytes.length)).toBe(true);
    }
  });

  test("passes whatever the grammar finds effects in", () => {
    const reader = new SqlReader(GRAMMAR);
    let found = 0;
    assert(
      property(TEXT, (sql) => {
        const effects = reader.effectsOf(sql);
        if (!effects.understood || !leavesAnything(effects)) return;
        found += 1;
        expect(passes(sql)).toBe(true);
      }),
      { numRuns: 4_000 },
    );
    expect(found).toBeGreaterThan(500);
  });

  test("takes no more than twice as long for a hostile text than for a harmless one", () => {
    const harmless = Buffer.from(`select '${"x".repeat(200_000)}'\0`);
    const hostile = Buffer.from(`select '${";/*".repeat(66_000)}'\0`);
    quickest(harmless);
    expect(quickest(hostile)).toBeLessThan(2 * quickest(harmless) + 0.2);
  });
});

/** In ms, the best of some runs. */
function quickest(bytes: Uint8Array): number {
  const runs = Array.from({ length: 20 }, () => {
    const startMs = performance.now();
    mayBeStateful(bytes, 0, bytes.length);
    return performance.now() - startMs;
  });
  return Math.min(...runs);
}

function leavesAnything(effects: ReturnType<SqlReader["effectsOf"]>): boolean {
  const { keepsUnseen, pins, statementNames, forgets } = effects;
  return keepsUnseen || pins !== 0 || statementNames.length > 0 || forgets;
}

const STATEMENTS = [
  "select 1",
  "insert into t values (1)",
  "begin",
  "set a.b = 1",
  "reset a.b",
  "discard all",
  "deallocate p",
  "deallocate prepare all",
  "prepare p as select 1",
  "prepare p (int, numeric(1,2)) as select $1",
  "execute p(1)",
  "explain (analyze) execute p",
  "create temp table a as execute p",
  "create table a as execute p",
  "create unlogged table a as execute p with no data",
  "declare c binary cursor with hold for select 1",
  "listen l",
  "do $$ begin end; set $$",
  "do language plpgsql 'x'",
  "create temporary view v as select 1",
  "create local temp table a ()",
  "create or replace temp view v as select 1",
  "create type pg_temp.x as enum ()",
  "create function pg_temp.f() returns int language sql return 1",
  "select 1 into temp x",
  "with a as (select 1) select * into table pg_temp.x from a",
  "select set_config('a', 'b', false)",
  'select u&"\\0073et_config"(1, 2, 3)',
  "call p(set_config('a', 'b', false))",
  "values (pg_advisory_lock(1))",
  "table a",
  "(select pg_catalog.pg_try_advisory_lock_shared(1))",
  "copy (select pg_advisory_lock(1)) to stdout",
  "merge into a using b on a.x = pg_advisory_lock(1) when matched then delete",
  "select ';', $$;$$, $a$ /* $a$, e'\\';', \"a;b\", U&\"\\0061\"",
] as const;

const GAPS = [
  " ",
  "\n",
  "\r\n",
  "\t",
  "\f",
  "\v",
  "/**/",
  "/* a; /* set */ b */",
  "-- ; set\n",
  "-- '\r",
  "  ",
] as const;

const gap = array(constantFrom(...GAPS), { minLength: 1, maxLength: 3 }).map((all) => all.join(""));

/** Letters in any case but in quotes, and any gap for a space outside of them. */
const statement = tuple(
  constantFrom(...STATEMENTS),
  array(boolean(), { minLength: 7, maxLength: 7 }),
  gap,
).map(([sql, upper, between]) =>
  /['"$]/.test(sql)
    ? sql
    : sql
        .split(" ")
        .map((word, index) => (upper[index % upper.length] === true ? word.toUpperCase() : word))
        .join(between),
);

const TEXT = array(tuple(option(gap, { nil: "" }), statement, option(gap, { nil: "" })), {
  minLength: 1,
  maxLength: 4,
}).map((parts) => parts.map((part) => part.join("")).join(";"));

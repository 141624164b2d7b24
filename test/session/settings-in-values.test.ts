import { describe, expect, test } from "bun:test";
import { settingNamesInValues, settingsInText } from "../../src/session/settings-in-text.ts";

const bytesOf = (sql: string): Uint8Array => new TextEncoder().encode(`${sql}\0`);
const read = (sql: string) => {
  const bytes = bytesOf(sql);
  return settingsInText(bytes, 0, bytes.length);
};
const keeps = (sql: string): boolean => read(sql)?.keeps ?? false;

describe("settingsInText", () => {
  test.each([
    "select set_config('a', 'b', false)",
    "SELECT SET_CONFIG('a', 'b', FALSE)",
    "select Set_Config('a', 'b', 'f')",
    `select pg_catalog."set_config"('a', 'b', false)`,
    "select set_config('a', 'b', $1)",
    "select set_config('a', $1, true and $2)",
    "select set_config('a', 'b, true)', false)",
    "select set_config('a', 'it''s', false)",
    "select set_config('a', E'\\', true)', false)",
    "select set_config('a', $x$, true)$x$, false)",
    `select set_config('a', current_setting('b'), false)`,
    "select set_config /* , true) */ ('a', 'b', false)",
    "select set_config -- , true)\n('a', 'b', false)",
    "select set_config('a', 'b', true), set_config('c', 'd', false)",
    "do $$ begin perform set_config('a', 'b', false); end $$",
    "do 'begin perform set_config(''a'', ''b'', false); end'",
    "select 1 as snake_case, set_config('a', 'b', false)",
    "select set_config",
    "set_config('a', 'b', false)",
    "do $$ begin set work_mem = 1; end $$",
    "/* why */ DO 'begin end'",
    "-- why\ndo $$ begin end $$",
    "begin; do $$ begin end $$; commit",
  ])("says yes to %s", (sql) => {
    expect(keeps(sql)).toBe(true);
  });

  test.each([
    "",
    "select 1",
    "select * from pg_class where rel_config = 1",
    "select set_config('a', 'b', true)",
    "set work_mem = 1",
    "insert into t values (1) on conflict do nothing",
    `SELECT "set_config" ( 'a' , 'it''s' , TRUE )`,
    "select set_config('search_path', $1, true), set_config('request.jwt.claims', $2, true)",
    "select set_config('a', 'b'::text, true)",
    "select reset_conf, _c from t_config",
  ])("says no to %s", (sql) => {
    expect(keeps(sql)).toBe(false);
  });

  test("says yes to what is cut off, wherever that is", () => {
    const bytes = bytesOf("select set_config('a', 'b', true), 1 as this_column, 2 as sets_it");
    for (let end = 0; end < bytes.length; end += 1)
      expect(settingsInText(bytes, 0, end)?.keeps).toBe(true);
    expect(settingsInText(bytes, 0, bytes.length)?.keeps).toBe(false);
  });

  test("reads nothing outside its range", () => {
    const bytes = bytesOf("set_config\0select a_c\0set_config(1)");
    expect(settingsInText(bytes, 11, bytes.length)?.keeps).toBe(false);
  });

  test.each([
    ["set my.name = 1", ["my.name"]],
    ["  \n;SET SESSION My.Name to 'x'", ["my.name"]],
    ["/* why */ set my.name = 1", ["my.name"]],
    ["-- why\nset my.name = 1", ["my.name"]],
    ["begin; set my.name = 1; commit", ["my.name"]],
    [`set "my"."name" = 1`, ["my.name"]],
    [`set "my.name" = 1`, ["my.name"]],
    ["set a.b.c = 1", ["a.b.c"]],
    ["select set_config('my.name', '1', false)", ["my.name"]],
    ["do $$ begin set my.name = 1; end $$", ["my.name"]],
    ["set my.one = 1; set my.two = my.one", ["my.one", "my.two"]],
  ])("finds the names in %s", (sql, names) => {
    expect(read(sql)?.names).toEqual(names);
  });

  test.each([
    "select a.b from a",
    "update a.b set c = a.d",
    "insert into my.name values (1)",
    "sel",
    "d",
  ])("does not look for names in %s", (sql) => {
    expect(read(sql)).toBeNull();
  });

  test("finds a bounded number of names of bounded length", () => {
    const many = Array.from({ length: 1000 }, (_, index) => `set my.n${index} = 1`).join(";");
    expect(read(many)?.names).toHaveLength(32);
    expect(
      read(`set ${"x".repeat(5000)}.${"y".repeat(5000)} = 1`)?.names.join("").length,
    ).toBeLessThan(200);
  });

  test("takes no longer for a hostile text than for a harmless one", () => {
    const startMs = performance.now();
    expect(keeps(`select set_config(${"'',".repeat(200_000)}`)).toBe(true);
    expect(keeps(`set ${"a.".repeat(200_000)}`)).toBe(false);
    expect(keeps(`set ${'"'.repeat(200_000)}`)).toBe(false);
    expect(keeps(`set ${"a".repeat(200_000)}`)).toBe(false);
    expect(performance.now() - startMs).toBeLessThan(2000);
  });
});

describe("settingNamesInValues", () => {
  test("finds names between lengths and NULs, and reads no more than a page or two", () => {
    const bind = new TextEncoder().encode("\0\0\0\u0002\0\0\0\u0007my.name\0\0\0\u00011");
    expect(settingNamesInValues(bind, 0, bind.length)).toEqual(["my.name"]);
    const late = new TextEncoder().encode(`${"-".repeat(9000)}my.name`);
    expect(settingNamesInValues(late, 0, late.length)).toEqual([]);
  });
});

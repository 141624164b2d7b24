import { describe, expect, test } from "bun:test";
import { mayKeepSetting } from "../../src/session/set-config-text.ts";

const bytesOf = (sql: string): Uint8Array => new TextEncoder().encode(`${sql}\0`);
const keeps = (sql: string): boolean => {
  const bytes = bytesOf(sql);
  return mayKeepSetting(bytes, 0, bytes.length);
};

describe("mayKeepSetting", () => {
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
  ])("says yes to %s", (sql) => {
    expect(keeps(sql)).toBe(true);
  });

  test.each([
    "",
    "select 1",
    "select * from pg_class where rel_config = 1",
    "select set_config('a', 'b', true)",
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
      expect(mayKeepSetting(bytes, 0, end)).toBe(true);
    expect(mayKeepSetting(bytes, 0, bytes.length)).toBe(false);
  });

  test("reads nothing outside its range", () => {
    const bytes = bytesOf("set_config\0select a_c\0set_config(1)");
    expect(mayKeepSetting(bytes, 11, bytes.length)).toBe(false);
  });

  test("takes no longer for a hostile text than for a harmless one", () => {
    const hostile = `select set_config(${"'',".repeat(200_000)}`;
    const startMs = performance.now();
    expect(keeps(hostile)).toBe(true);
    expect(performance.now() - startMs).toBeLessThan(2000);
  });
});

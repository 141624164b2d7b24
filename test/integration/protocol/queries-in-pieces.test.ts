/**
 * A Query that arrives in pieces, wherever it is cut, means what it means in one: what must be read of its
 * text is read.
 */

import { afterAll, afterEach, beforeAll, expect, test } from "bun:test";
import { bind, execute, join, parse, query, sync } from "../../support/frontend-messages.ts";
import { Bench, type Step } from "../../support/same-as-postgres.ts";

let bench: Bench;

beforeAll(async () => {
  bench = await Bench.start();
});

afterAll(() => bench[Symbol.asyncDispose]());

afterEach(() => {
  expect(bench.takeFaults()).toEqual([]);
});

const own = "select coalesce(current_setting('my.own', true), '')";
const asked = (sql: string): Step => ({ send: query(sql), rotate: true });

test.each<[string, readonly Step[]]>([
  ["a custom setting", [asked("set my.own = 'a'"), asked(own), asked("reset my.own"), asked(own)]],
  ["a call of set_config", [asked("select set_config('my.own', 'a', false)"), asked(own)]],
  [
    "a custom setting in a long text",
    [asked(`set my.own = 'a'; select '${"x".repeat(20_000)}' = ''`), asked(own)],
  ],
  [
    "a DEALLOCATE",
    [
      { send: join(parse("one", "select 1"), sync) },
      asked("deallocate one"),
      { send: join(bind("one"), execute(), sync), rotate: true },
    ],
  ],
])("%s", async (_what, steps) => {
  const pieces = [3, 6, 9, 31, 35, 38, 40];
  expect((await bench.compare(steps, pieces)).actual).toEqual([
    ...(await bench.compare(steps)).expected,
  ]);
  const { expected, actual } = await bench.compare(steps, [8]);
  expect(actual).toEqual([...expected]);
});

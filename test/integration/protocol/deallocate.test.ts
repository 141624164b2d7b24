/**
 * DEALLOCATE by SQL of statements that were prepared by Parse: as PostgreSQL answers, and while others
 * use the same statement.
 */

import { afterAll, afterEach, beforeAll, describe, expect, test } from "bun:test";
import {
  bind,
  execute,
  extended,
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
const prepareOne: Step = { send: join(parse("one", "select 1"), sync) };
const runOne: Step = { send: join(run("one"), sync), rotate: true };

const SCRIPTS: Readonly<Record<string, readonly Step[]>> = {
  "a name that is free afterwards": [
    prepareOne,
    runOne,
    { send: query("deallocate one"), rotate: true },
    runOne,
    { send: join(parse("one", "select 2"), run("one"), sync), rotate: true },
    runOne,
    { send: query("DEALLOCATE PREPARE ONE;"), rotate: true },
    { send: query("deallocate one"), rotate: true },
  ],
  "a name in quotes": [
    { send: join(parse('O"ne', "select 1"), sync) },
    { send: query('deallocate "O""ne"'), rotate: true },
    { send: join(run('O"ne'), sync), rotate: true },
  ],
  "in the pipeline that prepares it": [
    {
      send: join(parse("one", "select 1"), sync, query("deallocate one"), run("one"), sync),
      ready: 3,
    },
    { send: join(parse("one", "select 1"), query("deallocate one"), run("one"), sync), ready: 2 },
    prepareOne,
  ],
  "a name whose Parse fails or is skipped": [
    {
      send: join(parse("one", "selec"), sync, query("deallocate one"), query("select 1")),
      ready: 3,
    },
    {
      send: join(extended("x"), parse("one", "select 1"), query("deallocate one"), sync),
    },
    {
      send: join(extended("x"), parse("one", "select 1"), sync, query("deallocate one")),
      ready: 2,
    },
    prepareOne,
    { send: join(extended("x"), query("deallocate one"), sync), rotate: true },
    runOne,
  ],
  "in a transaction that is rolled back": [
    prepareOne,
    { send: query("begin"), rotate: true },
    { send: query("deallocate one") },
    { send: join(run("one"), sync) },
    { send: query("rollback") },
    runOne,
  ],
  "in a transaction that has failed": [
    prepareOne,
    { send: query("begin; select 1/0"), rotate: true },
    { send: query("deallocate one") },
    { send: query("rollback") },
    runOne,
    { send: query("deallocate one"), rotate: true },
    { send: query("deallocate one"), rotate: true },
  ],
  "what PREPARE prepared": [
    { send: query("begin; prepare one as select 1") },
    { send: query("deallocate one") },
    { send: query("deallocate one") },
    { send: query("rollback") },
  ],
};

describe("answers as PostgreSQL does to DEALLOCATE of", () => {
  test.each(Object.entries(SCRIPTS))("%s", async (_name, steps) => {
    const { expected, actual } = await bench.compare(steps);
    expect(actual).toEqual([...expected]);
  });

  test.each(Object.entries(SCRIPTS))("%s, byte by byte", async (_name, steps) => {
    const { expected, actual } = await bench.compare(steps, "bytes");
    expect(actual).toEqual([...expected]);
  });
});

test("a client that deallocates takes a statement from nobody else", async () => {
  await using client = await bench.pooled();
  await using neighbour = await bench.pooled();
  await client.run(join(parse("one", "select 'shared'"), sync));
  await neighbour.run(join(parse("one", "select 'shared'"), sync));
  await client.run(query("deallocate one"));
  expect(await neighbour.run(join(run("one"), sync))).toContain('DataRow "shared"');
});

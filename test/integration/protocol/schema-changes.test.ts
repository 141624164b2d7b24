/**
 * Prepared statements whose results have another shape since a table was changed: PostgreSQL refuses
 * them (0A000), and a client that prepares the same text again gets one that fits. Through the pooler
 * too, although others keep the old one in use.
 */

import { afterAll, afterEach, beforeAll, describe, expect, test } from "bun:test";
import { Churn } from "../../support/churn.ts";
import {
  bind,
  closeStatement,
  describeStatement,
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

/** As pgjdbc and pgx bind: a format for each column that they were told of. */
const runAsTold = (statement: string): Uint8Array =>
  join(bind(statement, [], "", [0, 0]), execute());

const REFUSED = "ErrorResponse ERROR: 0A000: cached plan must not change result type";

/** Both servers have the statement "one" before the change, and nobody may get it after it. */
function changed(create: string, text: string, ...changes: readonly string[]): readonly Step[] {
  return [
    { send: query(create) },
    { send: join(parse("one", text), run("one"), sync), rotate: true },
    { send: join(run("one"), sync), rotate: true },
    ...changes.map((change) => ({ send: query(change), rotate: true })),
    { send: join(parse("two", text), describeStatement("two"), run("two"), sync), rotate: true },
    { send: join(run("two"), sync), rotate: true },
    { send: join(describeStatement("two"), sync), rotate: true },
    { send: join(closeStatement("one"), parse("one", text), run("one"), sync), rotate: true },
    { send: join(run("one"), sync), rotate: true },
  ];
}

const SCRIPTS: Readonly<Record<string, readonly Step[]>> = {
  "a column added": [
    ...changed("create table t_add (a int)", "select * from t_add", "alter table t_add add b text"),
    { send: query("drop table t_add") },
  ],
  "a table dropped and made again": [
    ...changed(
      "create table t_again (a int)",
      "select * from t_again",
      "drop table t_again",
      "create table t_again (b text)",
    ),
    { send: query("drop table t_again") },
  ],
  "a format for each column of before, on a server that never had the statement": [
    { send: query("create table t_formats (a int, b int)") },
    {
      send: join(parse("one", "select * from t_formats"), runAsTold("one"), sync),
      rotate: true,
    },
    { send: query("alter table t_formats add c text") },
    { send: join(runAsTold("one"), sync), rotate: true },
    { send: join(runAsTold("one"), sync), rotate: true },
    { send: join(closeStatement("one"), parse("one", "select a, b from t_formats"), sync) },
    { send: join(runAsTold("one"), sync), rotate: true },
    { send: join(bind("one", ["too many"]), execute(), sync) },
    { send: query("drop table t_formats") },
  ],
  "too many values for a statement of a table that was changed": [
    { send: query("create table t_values (a int)") },
    { send: join(parse("one", "insert into t_values values (1)"), run("one"), sync), rotate: true },
    {
      send: join(
        query("begin"),
        extended("alter table t_values add b text"),
        parse("two", "select * from t_values"),
        bind("two", ["too many"]),
        execute(),
        sync,
      ),
      rotate: true,
    },
    { send: query("rollback") },
    { send: query("alter table t_values add b text"), rotate: true },
    { send: join(bind("one", ["too many"]), execute(), sync), rotate: true },
    { send: join(run("one"), sync), rotate: true },
    { send: query("drop table t_values") },
  ],
  "what returns no rows is described on every server when its table is gone, and in a failed transaction":
    [
      { send: query("create table t_gone (a int)") },
      { send: join(parse("one", "insert into t_gone values (1)"), sync), rotate: true },
      { send: join(parse("three", "insert into t_gone values ($1)"), sync), rotate: true },
      { send: join(describeStatement("one"), sync), rotate: true },
      { send: query("begin"), rotate: true },
      { send: join(query("select 1/0"), describeStatement("three"), sync) },
      { send: join(describeStatement("three"), sync) },
      { send: query("rollback") },
      {
        send: join(describeStatement("three"), bind("three", ["1"]), execute(), sync),
        rotate: true,
      },
      { send: query("drop table t_gone"), rotate: true },
      { send: join(describeStatement("one"), sync), rotate: true },
      { send: join(describeStatement("one"), sync), rotate: true },
      { send: join(describeStatement("one"), bind("one"), sync), rotate: true },
      { send: query("begin"), rotate: true },
      { send: join(describeStatement("one"), parse("two", "select 1"), sync) },
      { send: join(query("select 1/0"), describeStatement("one"), sync) },
      { send: join(describeStatement("one"), describeStatement("two"), sync) },
      { send: query("rollback") },
      { send: query("begin"), rotate: true },
      { send: join(query("select 1/0"), describeStatement("one"), sync) },
      { send: query("rollback") },
    ],
  "a change in a transaction that is prepared for in the same": [
    { send: query("create table t_tx (a int)") },
    { send: join(parse("one", "select * from t_tx"), run("one"), sync) },
    { send: join(run("one"), sync), rotate: true },
    { send: query("begin; alter table t_tx add b text"), rotate: true },
    { send: join(parse("two", "select * from t_tx"), run("two"), sync) },
    { send: query("commit") },
    { send: join(run("two"), sync), rotate: true },
    { send: query("drop table t_tx") },
  ],
};

describe("after a change by the client itself, answers as PostgreSQL does:", () => {
  test.each(Object.entries(SCRIPTS))("%s", async (_name, steps) => {
    const { expected, actual } = await bench.compare(steps);
    expect(actual).toEqual([...expected]);
  });
});

describe("after a change by somebody who does not come through the pooler", () => {
  test("a text that was refused once fits on every server when it is prepared again", async () => {
    await bench.postgres.query("create table t_other (a int)");
    await using churn = await Churn.start(bench.pooler.target());
    await using client = await bench.pooled();
    await using neighbour = await bench.pooled();
    const text = "select * from t_other";
    await client.run(join(parse("one", text), sync));
    await neighbour.run(join(parse("mine", text), sync));
    for (let server = 0; server < 2; server += 1) {
      // oxlint-disable-next-line no-await-in-loop -- one server after the other
      await churn.rotate();
      // oxlint-disable-next-line no-await-in-loop -- one server after the other
      await client.run(join(run("one"), sync));
    }
    await bench.postgres.query("alter table t_other add b text");
    await churn.rotate();
    expect((await client.run(join(run("one"), sync)))[0]).toBe(REFUSED);

    await client.run(join(closeStatement("one"), parse("one", text), sync));
    for (let server = 0; server < 2; server += 1) {
      // oxlint-disable-next-line no-await-in-loop -- one server after the other
      await churn.rotate();
      // oxlint-disable-next-line no-await-in-loop -- one server after the other
      const lines = await client.run(join(describeStatement("one"), run("one"), sync));
      expect(lines.filter((line) => line.startsWith("ErrorResponse"))).toEqual([]);
    }
    // Who did not prepare again may rely on the old shape, and is refused as on a direct connection.
    expect((await neighbour.run(join(run("mine"), sync)))[0]).toBe(REFUSED);
    await bench.postgres.query("drop table t_other");
  });
});

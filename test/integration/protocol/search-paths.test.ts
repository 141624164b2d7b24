/**
 * Clients who say the same and mean different tables, because their search_path or their role differs: none
 * may be refused because of what another has prepared.
 */

// oxlint-disable no-await-in-loop -- one after the other is the point here

import { afterAll, afterEach, beforeAll, expect, test } from "bun:test";
import { Churn } from "../../support/churn.ts";
import {
  bind,
  describePortal,
  execute,
  join,
  parse,
  query,
  sync,
} from "../../support/frontend-messages.ts";
import { RawClient } from "../../support/raw-client.ts";
import { Bench } from "../../support/same-as-postgres.ts";

let bench: Bench;

beforeAll(async () => {
  bench = await Bench.start();
  await bench.postgres.query(
    "create schema one; create schema two; create role two; grant usage on schema two to two;" +
      "create table one.t (a int); insert into one.t values (1);" +
      "create table two.t (b text); insert into two.t values ('two'); grant select on two.t to two",
  );
});

afterAll(() => bench[Symbol.asyncDispose]());

afterEach(() => {
  expect(bench.takeFaults()).toEqual([]);
});

const run = join(bind("same"), describePortal(""), execute(), sync);
const ONE = ["RowDescription a:23", 'DataRow "1"'];
const TWO = ["RowDescription b:25", 'DataRow "two"'];

function resultOf(lines: readonly string[]): string[] {
  return lines.filter((line) => /^(RowDescription|DataRow|ErrorResponse)/.test(line));
}

const WAYS: Readonly<Record<string, readonly [one: readonly string[], two: readonly string[]]>> = {
  "a search_path of their own": [["set search_path to one"], ["set search_path to two"]],
  "a search_path for the transaction": [
    ["begin", "set local search_path to one"],
    ["begin", "set local search_path to two"],
  ],
  "a role of their own": [
    ["set search_path to '$user', one"],
    ["set search_path to '$user', one", "set role two"],
  ],
};

test.each(Object.entries(WAYS))("%s", async (way, [sayOne, sayTwo]) => {
  const text = `select * from t /* ${way} */`;
  await using churn = await Churn.start(bench.pooler.target());
  await using one = await RawClient.connect(bench.pooler.target());
  await using two = await RawClient.connect(bench.pooler.target());
  const clients = [
    { client: one, say: sayOne, result: ONE },
    { client: two, say: sayTwo, result: TWO },
  ];
  for (let time = 0; time < 4; time += 1) {
    // So that each of the two has either server in its turn.
    await churn.rotate();
    for (const { client, say, result } of clients) {
      await churn.rotate();
      for (const sql of say) await client.run(query(sql));
      if (time === 0) await client.run(join(parse("same", text), sync));
      expect(resultOf(await client.run(run))).toEqual(result);
      await client.run(query("rollback"));
    }
  }
  await churn.rest();
  // Nobody was refused on the way, which would have all prepared anew.
  const count = `select count(distinct name) from pg_prepared_statements where statement = '${text}'`;
  expect(await one.run(query(count))).toContain('DataRow "2"');
});

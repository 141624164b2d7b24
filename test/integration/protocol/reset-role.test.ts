/**
 * Who a client is after DISCARD ALL, RESET ROLE or RESET SESSION AUTHORIZATION: who it asked to be when it
 * connected, not who the pooler logs in as.
 */

import { afterAll, afterEach, beforeAll, expect, test } from "bun:test";
import { extended, join, query, sync } from "../../support/frontend-messages.ts";
import { inTurn } from "../../support/in-turn.ts";
import { RawClient, type RawTarget } from "../../support/raw-client.ts";
import { Bench, directTarget } from "../../support/same-as-postgres.ts";

let bench: Bench;

beforeAll(async () => {
  bench = await Bench.start();
  await bench.postgres.query("create role lowly; create role other");
});

afterAll(() => bench[Symbol.asyncDispose]());

afterEach(() => {
  expect(bench.takeFaults()).toEqual([]);
});

const WHO = query("select current_user, session_user, current_setting('role')");

async function seen(target: RawTarget, messages: readonly Uint8Array[]): Promise<string[]> {
  await using client = await RawClient.connect(target, { parameters: [["role", "lowly"]] });
  const rows: string[] = [];
  await inTurn(messages, async (message) => {
    await client.run(message);
    const lines = await client.run(WHO);
    rows.push(lines.find((line) => line.startsWith("DataRow")) ?? "");
  });
  return rows;
}

test.each<[string, readonly Uint8Array[]]>([
  ["by itself", [query("discard all")]],
  ["by the extended protocol", [join(extended("discard all"), sync)]],
  ["behind another role", [query("set role other"), query("discard all")]],
  ["behind no role at all", [query("set role none"), query("discard all")]],
  ["behind another user", [query("set session authorization other"), query("discard all")]],
  ["and takes no role then", [query("discard all"), query("set role none"), query("reset role")]],
  ["and changes something else then", [query("discard all"), query("set work_mem = '7MB'")]],
])("a client that discards all %s", async (_how, messages) => {
  const expected = await seen(directTarget(bench.postgres), messages);
  expect(await seen(bench.pooler.target(), messages)).toEqual(expected);
  expect(await seen(bench.pooler.target("session"), messages)).toEqual(expected);
});

test.each<[string, readonly Uint8Array[]]>([
  ["resets", [query("reset role")]],
  ["resets among other statements", [query("select 1; reset role"), query("select 1")]],
  ["resets by the extended protocol", [join(extended("reset role"), sync), query("select 1")]],
  ["sets to its default", [query("set role other"), query("set role to default")]],
  ["gives up", [query("set role none"), query("select 1"), query("set work_mem = '7MB'")]],
  ["gives up and resets", [query("set role none"), query("reset role"), query("select 1")]],
])("a client that %s its role", async (_how, messages) => {
  const expected = await seen(directTarget(bench.postgres), messages);
  expect((await seen(bench.pooler.target(), messages)).at(-1)).toEqual(expected.at(-1));
  expect((await seen(bench.pooler.target("session"), messages)).at(-1)).toEqual(expected.at(-1));
});

test.each<[string, readonly Uint8Array[]]>([
  [
    "from another",
    [query("set session authorization other"), query("reset session authorization")],
  ],
  ["from no role", [query("set role none"), query("RESET SESSION  AUTHORIZATION;")]],
  ["from another role", [query("set role other"), query("set session authorization default")]],
  ["where it is it", [query("reset session_authorization"), query("reset role")]],
  [
    "and that is rolled back",
    [
      query("set role none"),
      query("begin"),
      query("reset session authorization"),
      query("rollback"),
    ],
  ],
])("a client that goes back to its user %s", async (_how, messages) => {
  const expected = await seen(directTarget(bench.postgres), messages);
  expect(await seen(bench.pooler.target(), messages)).toEqual(expected);
});

test("is so in the next Query of a pipeline, too", async () => {
  const messages = [join(query("discard all"), WHO)];
  await using client = await RawClient.connect(bench.pooler.target(), {
    parameters: [["role", "lowly"]],
  });
  const lines = await client.run(join(...messages), 2);
  expect(lines).toContain('DataRow "lowly" | "postgres" | "lowly"');
});

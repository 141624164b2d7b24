/**
 * What a client is told behind DISCARD ALL and RESET: what is news to it, and nothing of what is put back for it.
 */

import { afterAll, afterEach, beforeAll, expect, test } from "bun:test";
import { query } from "../../support/frontend-messages.ts";
import { RawClient } from "../../support/raw-client.ts";
import { Bench } from "../../support/same-as-postgres.ts";

let bench: Bench;

beforeAll(async () => {
  bench = await Bench.start({ tenant: { default_pool_size: 1 } });
});

afterAll(() => bench[Symbol.asyncDispose]());

afterEach(() => {
  expect(bench.takeFaults()).toEqual([]);
});

test("a client that discards all before anything else is told of no parameter", async () => {
  await using other = await bench.pooled();
  const parameters = [
    ["TimeZone", "Europe/Paris"],
    ["search_path", "public, pg_catalog"],
  ] as const;
  await using client = await RawClient.connect(bench.pooler.target(), { parameters });
  await other.run(query("select 1"));
  const lines = await client.run(query("discard all"));
  expect(lines).toEqual(["CommandComplete DISCARD ALL", "ReadyForQuery I"]);
});

test("a client that discards what it has set is told what holds again", async () => {
  await using other = await bench.pooled();
  const parameters = [["TimeZone", "Europe/Paris"]] as const;
  await using client = await RawClient.connect(bench.pooler.target(), { parameters });
  await client.run(query("set timezone = 'Asia/Tokyo'"));
  await other.run(query("select 1"));
  const lines = await client.run(query("discard all"));
  expect(lines).toContain("ParameterStatus TimeZone=Europe/Paris");
  expect(lines.filter((line) => line.startsWith("ParameterStatus"))).toHaveLength(1);
});

test("a client whose setting is put back hears no notice of that", async () => {
  const parameters = [["application_name", "x".repeat(80)]] as const;
  await using client = await RawClient.connect(bench.pooler.target(), { parameters });
  await client.run(query("set application_name = 'short'"));
  expect(await client.run(query("reset application_name"))).toEqual([
    "CommandComplete RESET",
    `ParameterStatus application_name=${"x".repeat(63)}`,
    "ReadyForQuery I",
  ]);
});

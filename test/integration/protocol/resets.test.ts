/**
 * RESET and DISCARD ALL of what a client asked for when it connected: each reply as from PostgreSQL itself,
 * in every place of a transaction, where others use the servers in between.
 */

import { afterAll, afterEach, beforeAll, describe, expect, test } from "bun:test";
import { Churn } from "../../support/churn.ts";
import { query } from "../../support/frontend-messages.ts";
import { inTurn } from "../../support/in-turn.ts";
import { RawClient, type RawTarget } from "../../support/raw-client.ts";
import { Bench, directTarget } from "../../support/same-as-postgres.ts";

const ASKED_FOR = [
  ["TimeZone", "Asia/Tokyo"],
  [
    "application_name",
    "it's me, in more letters than the sixty-three that PostgreSQL keeps of a name",
  ],
  ["search_path", '"$user", Here, "odd ""one"", there"'],
  ["options", "-c work_mem=7MB -c my.own=mine -c statement_timeout=9s"],
] as const;

/** Commands one by one, and what is shown behind each. */
const SHOW =
  "select current_setting('timezone'), current_setting('search_path'), current_setting('work_mem'), " +
  "current_setting('my.own'), current_setting('application_name'), current_setting('statement_timeout')";

const SCRIPTS: Readonly<Record<string, readonly string[]>> = {
  "one that was set": ["set timezone to 'UTC'", "reset timezone"],
  "one that was not set": ["reset timezone", "RESET TimeZone ;", 'reset "TimeZone"'],
  "by SET … TO DEFAULT": ["set timezone = utc", "set timezone to default", "SET TIME ZONE DEFAULT"],
  "to the words of one's own": ["set application_name = 'x'", "reset application_name"],
  "a list of schemas": ["set search_path to a, b", "reset search_path", "set search_path=default"],
  "one that is nobody's": ["set my.own = 'x'", "reset my.own", "reset my.other"],
  "all at once": ["set timezone to 'UTC'; set work_mem to '1MB'", "reset all"],
  "all that a session has": ["set timezone to 'UTC'", "prepare p as select 1", "discard all"],
  "in a transaction": ["begin", "set timezone to 'UTC'", "reset timezone", "reset all", "commit"],
  "in one that is rolled back": [
    "set timezone to 'UTC'",
    "set search_path to x",
    "begin",
    "reset timezone",
    "reset search_path",
    "rollback",
  ],
  "behind a savepoint": [
    "begin",
    "set work_mem to '1MB'",
    "savepoint a",
    "reset work_mem",
    "rollback to a",
    "reset work_mem",
    "commit",
  ],
  "for the transaction only": [
    "set timezone to 'UTC'",
    "begin",
    "set local timezone to default",
    "set local search_path to default",
    "commit",
  ],
  "in a failed transaction": ["begin", "select 1/0", "reset timezone", "discard all", "rollback"],
  "before a transaction's first query": [
    "begin",
    "reset work_mem",
    "set transaction isolation level serializable",
    "commit",
  ],
  "what is no setting": ["reset nonsense", "reset", "reset timezone x", "set nonsense to default"],
  "with a notice of its own": ["set application_name = 'x'", "reset all"],
  "where it may not": ["begin", "discard all", "rollback"],
};

let bench: Bench;
beforeAll(async () => {
  bench = await Bench.start();
});
afterAll(() => bench[Symbol.asyncDispose]());
afterEach(() => {
  expect(bench.takeFaults()).toEqual([]);
});

async function play(
  target: RawTarget,
  commands: readonly string[],
  between: () => Promise<void>,
): Promise<unknown[]> {
  await using client = await RawClient.connect(target, { parameters: ASKED_FOR });
  const heard: unknown[] = [];
  let open = false;
  await inTurn(["select 1", ...commands], async (command) => {
    if (!open) await between();
    const lines = await client.run(query(command));
    heard.push(command, lines);
    open = lines.at(-1) !== "ReadyForQuery I";
    if (lines.at(-1) !== "ReadyForQuery E" && !command.startsWith("reset work_mem"))
      heard.push(await client.run(query(SHOW)));
  });
  return heard;
}

describe.each(["transaction", "session"] as const)("in %s mode, RESET goes back to", (mode) => {
  test.each(Object.entries(SCRIPTS))("%s", async (_what, commands) => {
    const expected = await play(directTarget(bench.postgres), commands, async () => {});
    await using churn = await Churn.start(bench.pooler.target());
    const between = mode === "transaction" ? () => churn.rotate() : async () => {};
    expect(await play(bench.pooler.target(mode), commands, between)).toEqual(expected);
  });
});

/**
 * Random scripts of messages: what a client reads must be what it reads from PostgreSQL.
 */

import { afterAll, afterEach, beforeAll, expect, test } from "bun:test";
import { compareRandomScripts } from "../../support/random-scripts.ts";
import { Bench } from "../../support/same-as-postgres.ts";

let bench: Bench;

beforeAll(async () => {
  bench = await Bench.start({ config: { maxPreparedStatements: 2 } });
  await bench.postgres.query("create table copied (a int)");
});

afterAll(() => bench[Symbol.asyncDispose]());

afterEach(() => {
  expect(bench.takeFaults()).toEqual([]);
});

const TEXTS = [
  "select 1 as x",
  "select 'two' as y",
  "select 1/0",
  "selec",
  "begin",
  "commit",
  "rollback",
  "savepoint s",
  "rollback to s",
  "select $1::text",
  "",
  "deallocate all",
  "set local timezone to 'UTC'",
] as const;

/** Those of SQL use the names of the protocol's. */
const PREPARING = [
  "prepare a as select 1 as x",
  "prepare b (int) as select $1 / 1",
  "prepare c as select 1/0",
  "execute a",
  "execute b(2)",
  "execute c",
  "deallocate a",
  "deallocate b; select 2",
  "begin; prepare a as select 'in a transaction'",
  "prepare a as select 3; execute a; deallocate b",
  "explain (costs off) execute a",
  "deallocate all",
  "discard all",
  "begin",
  "commit",
  "rollback",
  "selec",
  "select 4 as y",
  "select $1::text",
] as const;

/**
 * Of named statements. None that executes another: PostgreSQL crashes at an EXPLAIN of one that executes itself, and
 * what describes one in a failed transaction can't be prepared there.
 */
const PARSED = ["select 5 as z", "select $1::text", "select 1/0", "selec"] as const;

test("answers random scripts as PostgreSQL does", () => compareRandomScripts(bench, TEXTS));

test("answers random scripts of SQL's own statements as PostgreSQL does", () =>
  compareRandomScripts(bench, PREPARING, PARSED));

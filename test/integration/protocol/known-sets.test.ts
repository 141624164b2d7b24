/**
 * A SET whose text says all of it is not asked for, and holds all the same: what every form of it gives on
 * another server is what it gives on a direct connection.
 */

import { afterAll, afterEach, beforeAll, expect, test } from "bun:test";
import { query } from "../../support/frontend-messages.ts";
import { Bench } from "../../support/same-as-postgres.ts";

let bench: Bench;
beforeAll(async () => {
  bench = await Bench.start();
});
afterAll(() => bench[Symbol.asyncDispose]());
afterEach(() => {
  expect(bench.takeFaults()).toEqual([]);
});

test.each([
  ["work_mem", "8MB"],
  ["work_mem", "'65536'"],
  ["work_mem", "99999"],
  ["work_mem", "'64 MB'"],
  ["statement_timeout", "'1.5h'"],
  ["statement_timeout", "2min"],
  ["random_page_cost", "1.25"],
  ["seq_page_cost", "1"],
  ["jit", "OFF"],
  ["jit", "'no'"],
  ["enable_seqscan", "false"],
  ["bytea_output", "Escape"],
  ["default_transaction_isolation", "'repeatable read'"],
  ["lc_messages", "'C'"],
  ["my.own", "'it''s \"mine\"'"],
  ["my.own", "''"],
  ["search_path", "pg_catalog"],
  ["search_path", "'a, b'"],
  ["search_path", "Public"],
  ["search_path", "''"],
  ["temp_tablespaces", "''"],
  ["timezone", "'Asia/Tokyo'"],
  ["timezone", "-7"],
  ["datestyle", "german"],
  ["application_name", "'x y'"],
  ["log_min_messages", "error"],
  ["vacuum_cost_delay", "2.5"],
  ["extra_float_digits", "-3"],
  ["nonsense", "1"],
  ["work_mem", "x"],
])("set %s = %s", async (name, value) => {
  const steps = [
    { send: query(`set ${name} = ${value}`) },
    { send: query(`show ${name}`), rotate: true },
    { send: query(`reset ${name}`), rotate: true },
    { send: query(`show ${name}`), rotate: true },
    { send: query(`set local ${name} = ${value}`), rotate: true },
    { send: query("reset all"), rotate: true },
    { send: query(`show ${name}`), rotate: true },
  ];
  const { expected, actual } = await bench.compare(steps);
  expect(actual).toEqual(expected);
});

/**
 * Which texts are a SET or RESET in the usual words, and what they mean.
 */

import { describe, expect, test } from "bun:test";
import { KnownSets } from "../../../src/session/settings/known-sets.ts";
import { type SetCommand, setCommandIn } from "../../../src/session/settings/set-command.ts";

const encoder = new TextEncoder();

function read(sql: string): SetCommand | null {
  const bytes = encoder.encode(`Q....${sql}\0`);
  return setCommandIn(bytes, 5, bytes.length);
}

const set = (name: string, value: string | null, local = false): SetCommand => ({
  name,
  value,
  local,
});

describe("setCommandIn reads", () => {
  test.each([
    ["set work_mem = '8MB'", set("work_mem", "8MB")],
    ["  SET SESSION Work_Mem TO 65536 ;", set("work_mem", "65536")],
    ["set local lock_timeout to 5", set("lock_timeout", "5", true)],
    ["set x=-1.5", set("x", "-1.5")],
    ["set jit = OFF", set("jit", "off")],
    ["set my.name = 'it''s'", set("my.name", "it's")],
    ['set "My"."Name" to ""', null],
    ['set "TimeZone" to utc', set("timezone", "utc")],
    ["set timezone to default", set("timezone", null)],
    ["set time zone default", set("timezone", null)],
    ["reset time zone", set("timezone", null)],
    ["reset ALL", set("all", null)],
    ['reset "my"."name"', set("my.name", null)],
    [";;reset x;;", set("x", null)],
    ["reset session  authorization;", set("session_authorization", null)],
    ["SET session authorization Default", set("session_authorization", null)],
  ])("%s", (sql, command) => {
    expect(read(sql)).toEqual(command);
  });
});

describe("setCommandIn leaves to PostgreSQL", () => {
  test.each([
    "select 1",
    "set",
    "set role x",
    "set session authorization x",
    "set time zone 'UTC'",
    "set time zone local",
    "set names 'utf8'",
    "set schema 'x'",
    "set constraints all deferred",
    "set transaction isolation level serializable",
    "set session characteristics as transaction read only",
    "set search_path to a, b",
    "set x to 'a' 'b'",
    "set x to e'a\\n'",
    "set x to 'a\\b'",
    "set x to 'é'",
    'set x to "quoted"',
    "set x to 1; select 2",
    "set x to 1 -- why",
    "/* why */ set x to 1",
    "set x from current",
    "reset x, y",
    "reset",
    `set x to '${"x".repeat(600)}'`,
  ])("%s", (sql) => {
    expect(read(sql)).toBeNull();
  });
});

function apply(
  commands: readonly SetCommand[],
  entries: Readonly<Record<string, string>> = {},
  asked: Readonly<Record<string, string>> = {},
): Record<string, string> {
  const sets = new KnownSets();
  for (const command of commands) expect(sets.add(command)).toBeTrue();
  const result = new Map(Object.entries(entries));
  sets.applyTo(result, new Map(Object.entries(asked)), ["TimeZone"]);
  return Object.fromEntries(result);
}

describe("KnownSets", () => {
  test("has the last value, and none where it was reset", () => {
    const commands = [set("a", "1"), set("b", "2"), set("a", "3"), set("b", null)];
    expect(apply(commands, { b: "0", c: "4" })).toEqual({ a: "3", c: "4" });
  });

  test("goes back to what was asked for, all at once but for who one is", () => {
    const entries = { a: "1", b: "2", role: "r", "my.own": "x" };
    expect(apply([set("all", null)], entries, { a: "9" })).toEqual({
      a: "9",
      role: "r",
      "my.own": "",
    });
  });

  test("leaves what the server reports to the server", () => {
    expect(apply([set("timezone", "utc")], { timezone: "GMT" })).toEqual({ timezone: "GMT" });
  });

  test.each([
    ["who one is", set("role", "x")],
    ["what is of a transaction", set("transaction_read_only", "on")],
    ["an item of a list that gets quotes", set("search_path", "Odd One")],
  ])("does not know %s", (_what, command) => {
    expect(new KnownSets().add(command)).toBeFalse();
  });

  test("knows a bounded number, and none after it was cleared", () => {
    const sets = new KnownSets();
    for (let count = 0; count < 64; count += 1) expect(sets.add(set("a", "1"))).toBeTrue();
    expect(sets.add(set("a", "1"))).toBeFalse();
    sets.clear();
    expect(sets.size).toBe(0);
  });
});

import { describe, expect, test } from "bun:test";
import {
  type Settings,
  SettingsInterner,
  settingsChange,
} from "../../../src/session/settings/session-settings.ts";

function intern(interner: SettingsInterner, entries: Readonly<Record<string, string>>): Settings {
  return interner.intern(new Map(Object.entries(entries)));
}

function set(name: string, value: string): string {
  return `pg_catalog.set_config(E'${name}',E'${value}',false)`;
}

describe("SettingsInterner", () => {
  test("has one object for equal settings, whatever their order", () => {
    const interner = new SettingsInterner();
    const first = intern(interner, { timezone: "UTC", role: "a" });
    expect(intern(interner, { role: "a", timezone: "UTC" })).toBe(first);
    expect(first.references).toBe(2);
  });

  test("has different objects where a name, a value or their border differs", () => {
    const interner = new SettingsInterner();
    const all = [
      {},
      { a: "b" },
      { a: "c" },
      { b: "b" },
      { a: "b", c: "" },
      { a: 'b","c' },
      { 'a","b': "c" },
    ].map((entries) => intern(interner, entries));
    expect(new Set(all).size).toBe(all.length);
  });

  test("forgets settings with their last reference, but never those of a fresh server", () => {
    const interner = new SettingsInterner();
    const settings = intern(interner, { a: "b" });
    interner.retain(settings);
    interner.release(settings);
    expect(interner.size).toBe(2);
    interner.release(settings);
    expect(interner.size).toBe(1);
    expect(interner.intern(new Map())).toBe(interner.none);
  });

  test("refuses to give back what nobody holds", () => {
    const interner = new SettingsInterner();
    const settings = intern(interner, { a: "b" });
    interner.release(settings);
    expect(() => interner.release(settings)).toThrow("the settings are alive");
  });

  test("forgets what servers report of every set", () => {
    const interner = new SettingsInterner();
    const settings = intern(interner, { a: "b" });
    settings.reported = new Map();
    interner.none.reported = new Map();
    interner.forgetReported();
    expect(settings.reported).toBeNull();
    expect(interner.none.reported).toBeNull();
  });
});

describe("settingsChange", () => {
  const interner = new SettingsInterner();
  const of = (entries: Readonly<Record<string, string>>): Settings => intern(interner, entries);

  test.each([
    ["nothing to do", of({ a: "1" }), of({ a: "1" }), ""],
    [
      "a first setting",
      interner.none,
      of({ a: "1" }),
      `SELECT pg_catalog.num_nulls(${set("a", "1")})`,
    ],
    [
      "another value",
      of({ a: "1" }),
      of({ a: "2" }),
      `SELECT pg_catalog.num_nulls(${set("a", "2")})`,
    ],
    ["a setting less", of({ a: "1", b: "2" }), of({ b: "2" }), 'RESET "a"'],
    [
      "one for another",
      of({ a: "1" }),
      of({ b: "2" }),
      `RESET "a";SELECT pg_catalog.num_nulls(${set("b", "2")})`,
    ],
    ["an extension's setting less", of({ "a.b": "1" }), interner.none, 'RESET "a"."b"'],
    ["the role less", of({ a: "1", role: "r" }), interner.none, 'RESET "role";RESET "a"'],
    [
      "the role last",
      interner.none,
      of({ role: "r", a: "1" }),
      `SELECT pg_catalog.num_nulls(${set("a", "1")},${set("role", "r")})`,
    ],
    [
      "a server of which nothing is known",
      null,
      of({ a: "1" }),
      `RESET SESSION AUTHORIZATION;RESET ALL;SELECT pg_catalog.num_nulls(${set("a", "1")})`,
    ],
    ["the same, to no settings", null, interner.none, "RESET SESSION AUTHORIZATION;RESET ALL"],
  ])("writes what it takes: %s", (_, from, to, sql) => {
    expect(settingsChange(from, to)).toBe(sql);
  });

  test("leaves no way out of its quotes", () => {
    const value = "'; DROP TABLE t; --\\'\\\0\n\u00e9\u{1f600}";
    const sql = settingsChange(null, of({ 'a"b': value }));
    expect(sql).toEndWith(
      "E'''; DROP TABLE t; --\\\\''\\\\\\U00000000\\U0000000a\\U000000e9\\U0001f600',false))",
    );
    expect(settingsChange(of({ 'a"b': "1" }), interner.none)).toBe('RESET "a""b"');
    expect(sql).toMatch(/^[\x20-\x7e]*$/);
  });
});

import { describe, expect, test } from "bun:test";
import { bytes, count, milliseconds, port } from "../../src/config/integer-settings.ts";

const FACTS = {
  name: "X",
  group: "Process",
  default: null,
  reloadable: false,
  summary: "",
} as const;
const timeout = milliseconds({ ...FACTS, min: 1000, max: 86_400_000, zero: "never" });
const size = bytes({ ...FACTS, min: 1024, max: 1024 ** 3 });

describe("port", () => {
  const setting = port(FACTS);

  test.each(["0", "1", "5432", "65535"])("accepts %s", (text) => {
    expect(setting.parse(text)).toEqual({ ok: true, value: Number(text), shown: text });
  });

  test.each(["65536", "-1", "1.5", "0x10", "1e3", "5432ms", " 5432", "5432\n", "abc", "", "٣"])(
    "refuses %j and says what is allowed",
    (text) => {
      expect(setting.parse(text)).toEqual({
        ok: false,
        reason: "must be an integer from 0 to 65535",
      });
    },
  );
});

describe("milliseconds", () => {
  test.each([
    ["1000", 1000, "1s"],
    ["1500", 1500, "1500ms"],
    ["1500 ms", 1500, "1500ms"],
    ["90s", 90_000, "90s"],
    ["120s", 120_000, "2min"],
    ["24h", 86_400_000, "1d"],
    ["0", 0, "0"],
  ])("reads %s as %d and shows it as %s", (text, value, shown) => {
    expect(timeout.parse(text)).toEqual({ ok: true, value, shown });
  });

  test.each(["2d", "999ms", "86400001"])("refuses %s, which is out of range", (text) => {
    expect(timeout.parse(text)).toEqual({
      ok: false,
      reason: "must be a duration from 1s to 1d, or 0 (never)",
    });
  });

  test.each(["5 minutes", "5S", "5m", "s", "-5s", "1.5s", "9999999999999999s"])(
    "refuses %s and names the units",
    (text) => {
      expect(timeout.parse(text)).toEqual({
        ok: false,
        reason: "must be a duration from 1s to 1d, or 0 (never); units are ms, s, min, h, d",
      });
    },
  );

  test("suggests seconds where the unit was forgotten, as PgBouncer has none", () => {
    expect(timeout.parse("600")).toEqual({
      ok: false,
      reason:
        "must be a duration from 1s to 1d, or 0 (never) (600 means 600ms; did you mean 600s?)",
    });
  });

  test("refuses 0 where it has no meaning of its own", () => {
    expect(milliseconds({ ...FACTS, min: 100, max: 1000 }).parse("0").ok).toBe(false);
  });
});

describe("bytes", () => {
  test.each([
    ["1024", 1024, "1kB"],
    ["64kB", 65_536, "64kB"],
    ["1024MB", 1024 ** 3, "1GB"],
    ["2000B", 2000, "2000B"],
  ])("reads %s as %d and shows it as %s", (text, value, shown) => {
    expect(size.parse(text)).toEqual({ ok: true, value, shown });
  });

  test.each(["1023", "2GB", "1KB", "1TB", "1kb", "1s"])("refuses %s", (text) => {
    expect(size.parse(text).ok).toBe(false);
  });
});

describe("count", () => {
  const setting = count({ ...FACTS, min: 1, max: 100_000 });

  test("accepts its least and its most", () => {
    expect([setting.parse("1").ok, setting.parse("100000").ok]).toEqual([true, true]);
  });

  test.each(["0", "100001", "10k", "10_000"])("refuses %s", (text) => {
    expect(setting.parse(text)).toEqual({
      ok: false,
      reason: "must be an integer from 1 to 100000",
    });
  });
});

import { describe, expect, test } from "bun:test";
import {
  boolean,
  choice,
  jsonObject,
  list,
  path,
  secret,
  secretList,
  secretText,
  text,
  url,
} from "../../src/config/text-settings.ts";

const FACTS = {
  name: "X",
  group: "Process",
  default: null,
  reloadable: false,
  summary: "",
} as const;

describe("text", () => {
  const setting = text({ ...FACTS, charactersMax: 5 });

  test("accepts text up to its length", () => {
    expect(setting.parse("größe")).toEqual({ ok: true, value: "größe", shown: "größe" });
  });

  test.each(["toolong", "a\nb", "\u0000", "\u007f"])("refuses %j", (value) => {
    expect(setting.parse(value).ok).toBe(false);
  });

  test("echoes no more than 80 characters of a wrong value, and no control character", () => {
    expect(setting.echo("\u001b[2J")).toBe('"\\u001b[2J"');
    expect(setting.echo("x".repeat(500))).toBe(`"${"x".repeat(80)}…"`);
  });
});

describe("path", () => {
  test("keeps the path as it is written", () => {
    expect(path(FACTS).parse("../a b/c.pem")).toMatchObject({ ok: true, value: "../a b/c.pem" });
  });

  test.each(["a\0b", "a\n"])("refuses control characters: %j", (value) => {
    expect(path(FACTS).parse(value)).toEqual({
      ok: false,
      reason: "must be a path without control characters",
    });
  });
});

describe("choice", () => {
  const setting = choice({ ...FACTS, choices: ["json", "text"] });

  test("accepts each of its words", () => {
    expect([setting.parse("json").ok, setting.parse("text").ok]).toEqual([true, true]);
  });

  test.each(["JSON", "jso", "json ", "toString"])("refuses %j and lists the words", (value) => {
    expect(setting.parse(value)).toEqual({ ok: false, reason: "must be one of json, text" });
  });
});

describe("boolean", () => {
  test.each([
    ["true", true],
    ["ON", true],
    ["1", true],
    ["no", false],
    ["False", false],
    ["0", false],
  ])("reads %s as %p", (word, value) => {
    expect(boolean(FACTS).parse(word)).toEqual({ ok: true, value, shown: String(value) });
  });

  test.each(["2", "t", "enabled", "null"])("refuses %s", (word) => {
    expect(boolean(FACTS).parse(word).ok).toBe(false);
  });
});

describe("secret", () => {
  const setting = secret({ ...FACTS, bytesExact: 32 });

  test("counts bytes and not characters", () => {
    expect(setting.parse("ä".repeat(16))).toMatchObject({ ok: true, shown: "(hidden)" });
    expect(setting.parse("ä".repeat(32))).toEqual({
      ok: false,
      reason: "must be exactly 32 bytes, and has 64",
    });
  });

  test.each(["", "x".repeat(31), `${"x".repeat(32)}\n`])("refuses another length: %j", (value) => {
    expect(setting.parse(value).ok).toBe(false);
  });
});

describe("url", () => {
  const setting = url({ ...FACTS, schemes: ["sqlite"], range: "sqlite:PATH" });

  test("accepts a path behind its scheme", () => {
    const value = "sqlite:/var/lib/carpool.db";
    expect(setting.parse(value)).toEqual({ ok: true, value, shown: value });
  });

  test.each(["sqlite:", "sqlite", "SQLITE:x", "postgres://h/d", "/var/lib/carpool.db"])(
    "refuses %s",
    (value) => {
      expect(setting.parse(value)).toEqual({ ok: false, reason: "must be sqlite:PATH" });
    },
  );

  test.each([
    ["postgres://user:hunter2@host/db", '"postgres:***@host/db"'],
    ["postgres://user:hunt@er2@host/db", '"postgres:***@host/db"'],
    ["user:hunter2@host", '"user:***@host"'],
    ["postgres://host/db?password=hunter2", '"postgres://host/db?***"'],
    ["postgres://user:hunter2\n@host/db", '"postgres:***@host/db"'],
  ])("echoes %j without what may be a password", (value, echo) => {
    expect(setting.echo(value)).toBe(echo);
  });
});

describe("list", () => {
  const setting = list({ ...FACTS, range: "letters", accepts: (item) => /^[ab]$/.test(item) });

  test("splits at commas and trims the items", () => {
    expect(setting.parse("a, b")).toEqual({ ok: true, value: ["a", "b"], shown: "a,b" });
  });

  test.each(["", "c", "a,", "a,,b", "a;b"])("refuses %j", (value) => {
    expect(setting.parse(value)).toEqual({ ok: false, reason: "must be letters" });
  });
});

describe("secretText", () => {
  const setting = secretText({ ...FACTS, bytesMin: 3, bytesMax: 5 });

  test.each(["abc", "grö", "\u0001\u0002\u0003"])("takes %j and shows it to nobody", (value) => {
    expect(setting.parse(value)).toEqual({ ok: true, value, shown: "(hidden)" });
    expect(setting.echo(value)).toBe("(hidden)");
  });

  test.each(["ab", "abcdef", "größe", ""])("refuses %j and says its length only", (value) => {
    const reason = `must be 3 to 5 bytes, and has ${Buffer.byteLength(value)}`;
    expect(setting.parse(value)).toEqual({ ok: false, reason });
  });
});

describe("secretList", () => {
  test("splits at commas, forgets empty items, and shows none", () => {
    const parsed = secretList(FACTS).parse(" a, b,,");
    expect(parsed).toEqual({ ok: true, value: ["a", "b"], shown: "(hidden)" });
    expect(secretList(FACTS).echo("a,b")).toBe("(hidden)");
  });
});

describe("jsonObject", () => {
  test("takes an object with whatever is in it", () => {
    const value = { role: "admin", tags: [1, null] };
    expect(jsonObject(FACTS).parse(' {"role": "admin", "tags": [1, null]} ')).toEqual({
      ok: true,
      value,
      shown: '{"role":"admin","tags":[1,null]}',
    });
  });

  test.each(["", "null", "[]", '"role"', "{role: 1}", '{"a":1', "1"])("refuses %j", (value) => {
    expect(jsonObject(FACTS).parse(value).ok).toBe(false);
  });
});

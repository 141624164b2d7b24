import { describe, expect, test } from "bun:test";
import { array, assert, constantFrom, oneof, property, string } from "fast-check";
import { parseSettingsFile } from "../../src/config/parse-settings-file.ts";

function parse(text: string) {
  const { settings, problems } = parseSettingsFile({ name: "carpool.yaml", text });
  const written = [...settings].map(([name, { text: value, origin }]) => {
    return [name, value, origin.kind === "file" ? origin.line : 0] as const;
  });
  return { written, problems };
}

describe("parseSettingsFile", () => {
  test("reads names in any case, with the line of each", () => {
    expect(parse("# ours\nport: 4001\n\nLOG_LEVEL: debug # loud\n")).toEqual({
      written: [
        ["PORT", "4001", 2],
        ["LOG_LEVEL", "debug", 4],
      ],
      problems: [],
    });
  });

  test.each([
    ["x: 0x10", "0x10"],
    ["x: 1e3", "1e3"],
    ["x: 00123456789012345678901234567890", "00123456789012345678901234567890"],
    ["x: yes", "yes"],
    ["x: true", "true"],
    ['x: "a\\tb"', "a\tb"],
    ["x: ':memory:'", ":memory:"],
  ])("keeps the text of %s as it is written", (line, text) => {
    expect(parse(line).written).toEqual([["X", text, 1]]);
  });

  test("joins the items of a sequence", () => {
    expect(parse('listen_address:\n  - 127.0.0.1\n  - "::1"\n').written).toEqual([
      ["LISTEN_ADDRESS", "127.0.0.1,::1", 1],
    ]);
  });

  test.each(["", "# nothing\n", "---\n", "null", "port:\n", "port: ''\n", "port: ~", "port: []"])(
    "takes %j as nothing set",
    (text) => {
      expect(parse(text)).toEqual({ written: [], problems: [] });
    },
  );

  test.each(["- port", "just text", "4000"])("refuses %j, which is no mapping", (text) => {
    expect(parse(text)).toEqual({
      written: [],
      problems: ["carpool.yaml: must be a mapping of settings to values"],
    });
  });

  test.each(["proxy:\n  port: 1", "proxy: [[1]]", "proxy: [{a: 1}]", "proxy: [1, null]"])(
    "refuses %j, which is nested or has holes",
    (text) => {
      expect(parse(text).problems).toEqual([
        "carpool.yaml:1: PROXY must be a single value, or a list of such",
      ]);
    },
  );

  test("refuses a setting that stands twice, whatever its case", () => {
    expect(parse("port: 1\nPORT: 2\n").problems).toEqual(["carpool.yaml:2: PORT is set twice"]);
    expect(parse("port: 1\nport: 2\n").problems).toEqual([
      "carpool.yaml:2: the same setting stands here a second time",
    ]);
  });

  test("refuses keys that are no text", () => {
    expect(parse("1: 2\n? [a]\n: 3\n").problems).toEqual([
      "carpool.yaml:1: a setting's name must be plain text",
      "carpool.yaml:2: a setting's name must be plain text",
    ]);
  });

  test.each([
    'vault_enc_key: "hunter2',
    "vault_enc_key: !hunter2 x",
    "port: 1\n\tvault_enc_key: hunter2",
    "vault_enc_key: 'a' hunter2",
    "vault_enc_key: *hunter2",
    "vault_enc_key: a\n---\nvault_enc_key: hunter2",
  ])("refuses broken YAML with a line and without quoting it: %j", (text) => {
    const { problems, written } = parse(text);
    expect(problems.length).toBeGreaterThan(0);
    expect(written).toEqual([]);
    for (const problem of problems) {
      expect(problem).toMatch(/^carpool\.yaml:\d+: /);
      expect(problem).not.toContain("hunter2");
    }
  });

  test("answers any text with settings or problems, and never throws", () => {
    const piece = constantFrom(
      "port",
      ": ",
      "\n",
      "  ",
      "- ",
      "[",
      "]",
      "{",
      "}",
      '"',
      "'",
      "&a",
      "*a",
      "!!int",
      "---",
      "? ",
      "|",
      "<<",
      "#",
      "\t",
      "%",
      "1",
    );
    const text = array(oneof(piece, string({ maxLength: 3 })), { maxLength: 20 });
    assert(
      property(text, (pieces) => {
        const { written, problems } = parse(pieces.join(""));
        expect(written.every(([, value]) => value !== "")).toBe(true);
        expect(problems.every((problem) => problem.startsWith("carpool.yaml:"))).toBe(true);
      }),
      { numRuns: 1000 },
    );
  });
});

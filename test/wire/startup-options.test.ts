import { describe, expect, test } from "bun:test";
import * as fc from "fast-check";
import { parseStartupOptions, StartupOptionsError } from "../../src/wire/startup-options.ts";

describe("parseStartupOptions", () => {
  test.each([
    ["-c work_mem=64MB"],
    ["-cwork_mem=64MB"],
    ["--work_mem=64MB"],
    ["--work-mem=64MB"],
    ["-c work-mem=64MB"],
    ["  \t--work_mem=64MB\n"],
  ])("reads a setting: %j", (options) => {
    expect(parseStartupOptions(options)).toEqual({
      settings: [["work_mem", "64MB"]],
      reference: null,
    });
  });

  test("keeps settings in order, repeated ones too", () => {
    expect(parseStartupOptions("-c a=1 --b=2 -ca=3").settings).toEqual([
      ["a", "1"],
      ["b", "2"],
      ["a", "3"],
    ]);
  });

  test("takes backslashes away as pg_split_opts does", () => {
    expect(parseStartupOptions(String.raw`-c search_path=a,\ b -c x=\\\"`).settings).toEqual([
      ["search_path", "a, b"],
      ["x", '\\"'],
    ]);
  });

  test("leaves dashes, equals signs and letters of a value alone", () => {
    expect(parseStartupOptions("-c TimeZone=Etc/GMT-3=x").settings).toEqual([
      ["TimeZone", "Etc/GMT-3=x"],
    ]);
  });

  test("takes an empty value", () => {
    expect(parseStartupOptions("-c search_path=").settings).toEqual([["search_path", ""]]);
  });

  test.each(["", " ", "\t\n\v\f\r"])("reads nothing in %j", (options) => {
    expect(parseStartupOptions(options)).toEqual({ settings: [], reference: null });
  });

  test.each([
    "reference=acme",
    "-c reference=acme",
    "--reference=acme",
    "reference%3Dacme",
    "reference=%61cme",
  ])("reads the tenant: %j", (options) => {
    expect(parseStartupOptions(options)).toEqual({ settings: [], reference: "acme" });
  });

  test("reads the tenant beside settings", () => {
    expect(parseStartupOptions("-c a=1 reference=acme --b=2")).toEqual({
      settings: [
        ["a", "1"],
        ["b", "2"],
      ],
      reference: "acme",
    });
  });

  test.each([
    "reference=acme&search_path=a,+b",
    "search_path=a%2C%20b&reference=acme",
    "reference%3Dacme%26search_path%3Da%2C%20b",
  ])("reads a URL's query string: %j", (options) => {
    expect(parseStartupOptions(options)).toEqual({
      settings: [["search_path", "a, b"]],
      reference: "acme",
    });
  });

  test("reads back what was escaped, whatever it is", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary", maxLength: 40 }), (value) => {
        const escaped = value.replaceAll(/[\s\\]/gu, String.raw`\$&`);
        expect(parseStartupOptions(`-c a=${escaped}`).settings).toEqual([["a", value]]);
      }),
    );
  });
});

describe("parseStartupOptions refuses", () => {
  const argument = "invalid command-line argument for server process: ";
  test.each([
    ["-e", `${argument}-e`],
    ["-S 64", `${argument}-S`],
    ["-", `${argument}-`],
    ["--", `${argument}--`],
    ["-c a=1 tenant", `${argument}tenant`],
    ["search_path=a", `${argument}search_path=a`],
    ["reference", `${argument}reference`],
    ["reference=%zz", `${argument}reference=%zz`],
    ["reference%3", `${argument}reference%3`],
    ["reference=a&&b=c", `${argument}reference=a&&b=c`],
    ["-c", `${argument}-c`],
    ["-c a=1 -c", `${argument}-c`],
    ["-c a", "-c a requires a value"],
    ["-ca", "-c a requires a value"],
    ["--a", "--a requires a value"],
    ["--a-b", "--a-b requires a value"],
    ["-c=", '-c requires a name before the "="'],
    ["-c =", '-c requires a name before the "="'],
    ["-c =x", '-c requires a name before the "="'],
    ["--=x", '-- requires a name before the "="'],
    ["=", `${argument}=`],
    ["reference=", "reference requires a value"],
    ["-c reference=", "reference requires a value"],
    ["reference=a reference=b", "reference is given twice"],
    ["reference=a --reference=a", "reference is given twice"],
    ["-c a=1\\", "unexpected end after backslash in startup options"],
    ["\\", "unexpected end after backslash in startup options"],
  ])("%j", (options, message) => {
    expect(() => parseStartupOptions(options)).toThrow(new StartupOptionsError(message));
  });

  test("with FATAL 42601, and a log line that does not repeat the client", () => {
    const error = new StartupOptionsError("invalid command-line argument for server process: x");
    expect([error.severity, error.sqlstate]).toEqual(["FATAL", "42601"]);
    expect(error.logText).toBe("invalid command-line argument in the startup options");
  });

  test("or reads any text, in time that grows with its length only", () => {
    const pieces = fc.constantFrom(
      "-c",
      "--",
      "=",
      " ",
      "\\",
      "reference",
      "&",
      "%3D",
      "a",
      "%",
      "+",
    );
    fc.assert(
      fc.property(fc.array(pieces, { maxLength: 30 }), (it) => {
        try {
          const { settings } = parseStartupOptions(it.join(""));
          for (const [name] of settings) expect(name).not.toBe("");
        } catch (error) {
          expect(error).toBeInstanceOf(StartupOptionsError);
        }
      }),
      { numRuns: 2000 },
    );
  });
});

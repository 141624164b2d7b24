import { describe, expect, test } from "bun:test";
import { readParse, writeParse } from "../../../src/wire/frontend/parse.ts";
import { readQuery, writeQuery } from "../../../src/wire/frontend/query.ts";
import { ProtocolError } from "../../../src/wire/protocol-error.ts";
import { hex, readWhole, written } from "../hex.ts";

describe("Parse", () => {
  test("has the bytes of the protocol docs", () => {
    const bytes = hex("'P' 00000017 's1' 00 'select $1' 00 0001 00000017");
    const parse = { statement: "s1", query: "select $1", parameterTypeOids: [23] };
    expect(written((it) => writeParse(it, parse))).toEqual(bytes);
    expect(readWhole(readParse, bytes)).toEqual(parse);
  });

  test("passes on a query in LATIN1 byte for byte", () => {
    const latin1 = hex("'P' 00000012 00 'select ' 27e927 00 0000");
    const parse = readWhole(readParse, latin1);
    expect(written((it) => writeParse(it, parse))).toEqual(latin1);
  });

  test.each([
    ["no query", "'P' 00000005 00", "invalid string in message"],
    ["no count", "'P' 00000007 00 'q' 00", "insufficient data left in message"],
    [
      "fewer types than it counts",
      "'P' 00000009 00 'q' 00 0001",
      "insufficient data left in message",
    ],
    ["bytes behind its types", "'P' 0000000a 00 'q' 00 0000 00", "invalid message format"],
  ])("is refused with %s", (_name, dump, message) => {
    expect(() => readWhole(readParse, hex(dump))).toThrow(message);
  });
});

describe("Query", () => {
  test("has the bytes of the protocol docs", () => {
    const bytes = hex("'Q' 0000000d 'select 1' 00");
    expect(written((it) => writeQuery(it, "select 1"))).toEqual(bytes);
    expect(readWhole(readQuery, bytes)).toBe("select 1");
  });

  test("is not written with a zero byte in it: the server would see less than was checked", () => {
    expect(() => written((it) => writeQuery(it, "select 1\0; drop"))).toThrow(ProtocolError);
  });

  test.each([
    ["no end of its text", "'Q' 0000000c 'select 1'", "invalid string in message"],
    ["two texts", "'Q' 00000008 'a' 00 'b' 00", "invalid message format"],
    ["no body", "'Q' 00000004", "invalid string in message"],
  ])("is refused with %s", (_name, dump, message) => {
    expect(() => readWhole(readQuery, hex(dump))).toThrow(message);
  });
});

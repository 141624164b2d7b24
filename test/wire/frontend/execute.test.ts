import { describe, expect, test } from "bun:test";
import { readExecute, writeExecute } from "../../../src/wire/frontend/execute.ts";
import { hex, readWhole, written } from "../hex.ts";

describe("Execute", () => {
  test("has the bytes of the protocol docs", () => {
    const bytes = hex("'E' 0000000a 'p' 00 00000064");
    expect(written((it) => writeExecute(it, "p", 100))).toEqual(bytes);
    expect(readWhole(readExecute, bytes)).toEqual({ portal: "p", rowsMax: 100 });
  });

  test("reads a negative limit as what it is: PostgreSQL takes it for none", () => {
    expect(readWhole(readExecute, hex("'E' 00000009 00 ffffffff"))).toEqual({
      portal: "",
      rowsMax: -1,
    });
  });

  test.each([
    ["no limit", "'E' 00000005 00", "insufficient data left in message"],
    ["half a limit", "'E' 00000007 00 0000", "insufficient data left in message"],
    ["bytes behind its limit", "'E' 0000000a 00 00000000 00", "invalid message format"],
    ["a portal without its end", "'E' 00000006 'pp'", "invalid string in message"],
  ])("is refused with %s", (_name, dump, message) => {
    expect(() => readWhole(readExecute, hex(dump))).toThrow(message);
  });
});

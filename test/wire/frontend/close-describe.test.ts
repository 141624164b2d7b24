import { describe, expect, test } from "bun:test";
import { readClose, writeClose } from "../../../src/wire/frontend/close.ts";
import { readDescribe, writeDescribe } from "../../../src/wire/frontend/describe.ts";
import { hex, readWhole, written } from "../hex.ts";

describe("Close and Describe", () => {
  test("have the bytes of the protocol docs", () => {
    const statement = { kind: "statement", name: "s1" } as const;
    const portal = { kind: "portal", name: "" } as const;
    expect(written((it) => writeClose(it, statement))).toEqual(hex("'C' 00000008 'Ss1' 00"));
    expect(written((it) => writeDescribe(it, portal))).toEqual(hex("'D' 00000006 'P' 00"));
    expect(readWhole(readClose, hex("'C' 00000008 'Ss1' 00"))).toEqual(statement);
    expect(readWhole(readDescribe, hex("'D' 00000006 'P' 00"))).toEqual(portal);
  });

  test.each([
    ["another kind", "'D' 00000006 'X' 00", "invalid DESCRIBE message subtype"],
    ["a kind in small letters", "'D' 00000006 's' 00", "invalid DESCRIBE message subtype"],
    ["no kind", "'D' 00000004", "no data left in message"],
    ["no name", "'D' 00000005 'S'", "invalid string in message"],
    ["two names", "'D' 00000007 'S' 00 00", "invalid message format"],
  ])("are refused with %s", (_name, dump, message) => {
    expect(() => readWhole(readDescribe, hex(dump))).toThrow(message);
    expect(() => readWhole(readClose, hex(dump))).toThrow(message.replace("DESCRIBE", "CLOSE"));
  });
});

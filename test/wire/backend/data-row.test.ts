import { describe, expect, test } from "bun:test";
import { readDataRow, writeDataRow } from "../../../src/wire/backend/data-row.ts";
import { hex, readWhole, written } from "../hex.ts";

describe("DataRow", () => {
  test("has the bytes of the protocol docs: text, NULL, bytes, the empty value", () => {
    const bytes = hex("'D' 0000001c 0004 00000002 'ab' ffffffff 00000004 00ff0102 00000000");
    expect(
      written((it) => writeDataRow(it, ["ab", null, Uint8Array.of(0, 0xff, 1, 2), ""])),
    ).toEqual(bytes);
    expect(readWhole(readDataRow, bytes)).toEqual([
      Uint8Array.of(0x61, 0x62),
      null,
      Uint8Array.of(0, 0xff, 1, 2),
      new Uint8Array(0),
    ]);
  });

  test("takes a zero byte in a text value: it has a length, not an end", () => {
    expect(written((it) => writeDataRow(it, ["a\0b"]))).toEqual(
      hex("'D' 0000000d 0001 00000003 'a' 00 'b'"),
    );
  });

  test.each([
    [
      "fewer values than it counts",
      "'D' 0000000a 0002 ffffffff",
      "insufficient data left in message",
    ],
    ["more values than it counts", "'D' 0000000a 0000 ffffffff", "invalid message format"],
    ["a value of length -2", "'D' 0000000a 0001 fffffffe", "insufficient data left in message"],
    ["a value that goes on behind it", "'D' 0000000b 0001 00000002 'a'", "insufficient data left"],
    [
      "a count of 65 535 and nothing else",
      "'D' 00000006 ffff",
      "insufficient data left in message",
    ],
    ["half a count", "'D' 00000005 00", "insufficient data left in message"],
  ])("is refused with %s", (_name, dump, message) => {
    expect(() => readWhole(readDataRow, hex(dump))).toThrow(message);
  });
});

import { describe, expect, test } from "bun:test";
import { readCopyData, writeCopyData } from "../../../src/wire/frontend/copy-data.ts";
import { readCopyFail, writeCopyFail } from "../../../src/wire/frontend/copy-fail.ts";
import { hex, readWhole, written } from "../hex.ts";

describe("CopyData", () => {
  test("has the bytes of the protocol docs, zero bytes among them", () => {
    const bytes = hex("'d' 00000007 'a' 00 'b'");
    expect(written((it) => writeCopyData(it, Uint8Array.of(0x61, 0, 0x62)))).toEqual(bytes);
    expect(readWhole(readCopyData, bytes)).toEqual(Uint8Array.of(0x61, 0, 0x62));
  });

  test("may be empty", () => {
    expect(readWhole(readCopyData, hex("'d' 00000004"))).toHaveLength(0);
  });
});

describe("CopyFail", () => {
  test("has the bytes of the protocol docs", () => {
    const bytes = hex("'f' 00000007 'no' 00");
    expect(written((it) => writeCopyFail(it, "no"))).toEqual(bytes);
    expect(readWhole(readCopyFail, bytes)).toBe("no");
  });

  test("is refused without the end of its reason, or with more behind it", () => {
    expect(() => readWhole(readCopyFail, hex("'f' 00000006 'no'"))).toThrow(
      "invalid string in message",
    );
    expect(() => readWhole(readCopyFail, hex("'f' 00000008 'no' 00 00"))).toThrow(
      "invalid message format",
    );
  });
});

import { describe, expect, test } from "bun:test";
import {
  readCopyResponse,
  writeCopyBothResponse,
  writeCopyInResponse,
  writeCopyOutResponse,
} from "../../../src/wire/backend/copy-response.ts";
import { hex, readWhole, written } from "../hex.ts";

describe("Copy responses", () => {
  test("have the bytes of the protocol docs, and differ by type", () => {
    const response = { format: 1, columnFormats: [1, 0] } as const;
    const body = "0000000b 01 0002 0001 0000";
    expect(written((it) => writeCopyInResponse(it, response))).toEqual(hex(`'G' ${body}`));
    expect(written((it) => writeCopyOutResponse(it, response))).toEqual(hex(`'H' ${body}`));
    expect(written((it) => writeCopyBothResponse(it, response))).toEqual(hex(`'W' ${body}`));
  });

  test.each([
    ["an unknown format", "'G' 00000007 02 0000", "unsupported format code"],
    ["an unknown column format", "'G' 00000009 00 0001 ffff", "unsupported format code"],
    [
      "fewer formats than columns",
      "'G' 00000009 00 0002 0000",
      "insufficient data left in message",
    ],
    ["more formats than columns", "'G' 0000000b 00 0001 0000 0000", "invalid message format"],
    ["no body", "'G' 00000004", "no data left in message"],
  ])("are refused with %s", (_name, dump, message) => {
    expect(() => readWhole(readCopyResponse, hex(dump))).toThrow(message);
  });
});

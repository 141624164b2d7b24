import { describe, expect, test } from "bun:test";
import {
  readCancelRequest,
  writeCancelRequest,
} from "../../../src/wire/frontend/cancel-request.ts";
import { hex, readWhole, written } from "../hex.ts";

describe("CancelRequest", () => {
  test("has the bytes of the protocol docs", () => {
    const bytes = hex("00000010 04d2162e 00000102 deadbeef");
    const key = { processId: 258, secretKey: Uint8Array.of(0xde, 0xad, 0xbe, 0xef) };
    expect(written((it) => writeCancelRequest(it, key))).toEqual(bytes);
    expect(readWhole(readCancelRequest, bytes)).toEqual(key);
  });

  test.each([
    ["a key of 3 bytes", "0000000f 04d2162e 00000102 deadbe", "invalid length of cancel key"],
    ["no key", "0000000c 04d2162e 00000102", "invalid length of cancel key"],
    ["half a process ID", "0000000a 04d2162e 0001", "insufficient data left in message"],
    ["another code", "00000010 04d2162f 00000102 deadbeef", "invalid cancel request packet"],
    ["no code", "00000004", "insufficient data left in message"],
  ])("is refused with %s", (_name, dump, message) => {
    expect(() => readWhole(readCancelRequest, hex(dump))).toThrow(message);
  });

  test("is refused with a key of 257 bytes", () => {
    const bytes = new Uint8Array(12 + 257);
    bytes.set(hex("0000010d 04d2162e 00000102"));
    expect(() => readWhole(readCancelRequest, bytes)).toThrow("invalid length of cancel key");
  });
});

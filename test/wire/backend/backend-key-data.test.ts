import { describe, expect, test } from "bun:test";
import { AssertionError } from "../../../src/base/assert.ts";
import {
  readBackendKeyData,
  writeBackendKeyData,
} from "../../../src/wire/backend/backend-key-data.ts";
import { hex, readWhole, written } from "../hex.ts";

describe("BackendKeyData", () => {
  test("has the bytes of the protocol docs", () => {
    const secretKey = Uint8Array.of(0xde, 0xad, 0xbe, 0xef);
    expect(written((it) => writeBackendKeyData(it, { processId: 258, secretKey }))).toEqual(
      hex("'K' 0000000c 00000102 deadbeef"),
    );
  });

  test("gives a key that later writes into the chunk do not change", () => {
    const chunk = hex("'K' 0000000c 00000102 deadbeef");
    const { secretKey } = readWhole(readBackendKeyData, chunk);
    chunk.fill(0);
    expect(secretKey).toEqual(Uint8Array.of(0xde, 0xad, 0xbe, 0xef));
  });

  test.each([0, 3, 257, 5000])("refuses a key of %d bytes", (keyBytes) => {
    const message = new Uint8Array(9 + keyBytes);
    expect(() => readWhole(readBackendKeyData, message)).toThrow("invalid length of cancel key");
    const key = { processId: 1, secretKey: new Uint8Array(keyBytes) };
    expect(() => written((it) => writeBackendKeyData(it, key))).toThrow(AssertionError);
  });

  test("refuses a body without a process ID", () => {
    expect(() => readWhole(readBackendKeyData, hex("'K' 00000007 000001"))).toThrow(
      "insufficient data left in message",
    );
  });
});

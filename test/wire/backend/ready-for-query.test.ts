import { describe, expect, test } from "bun:test";
import {
  readReadyForQuery,
  TRANSACTION_STATUS,
  writeReadyForQuery,
} from "../../../src/wire/backend/ready-for-query.ts";
import { ProtocolError } from "../../../src/wire/protocol-error.ts";
import { hex, readWhole, written } from "../hex.ts";

describe("ReadyForQuery", () => {
  test.each([
    ["I", TRANSACTION_STATUS.Idle],
    ["T", TRANSACTION_STATUS.InTransaction],
    ["E", TRANSACTION_STATUS.Failed],
  ] as const)("has the bytes of the protocol docs: %s", (letter, status) => {
    const bytes = hex(`'Z' 00000005 '${letter}'`);
    expect(written((it) => writeReadyForQuery(it, status))).toEqual(bytes);
    expect(readWhole(readReadyForQuery, bytes)).toBe(status);
  });

  test("rejects a status byte that the protocol does not define", () => {
    const defined = new Set<number>(Object.values(TRANSACTION_STATUS));
    for (let status = 0; status < 256; status++) {
      if (defined.has(status)) continue;
      const bytes = Uint8Array.of(0x5a, 0, 0, 0, 5, status);
      expect(() => readWhole(readReadyForQuery, bytes)).toThrow(
        new ProtocolError("invalid transaction status"),
      );
    }
  });

  test("rejects a message without a status, though one stands behind it", () => {
    expect(() => readReadyForQuery(hex("'Z' 00000004 'I'"), 0, 5)).toThrow(
      "invalid message format",
    );
  });

  test("rejects a message with two", () => {
    expect(() => readWhole(readReadyForQuery, hex("'Z' 00000006 'II'"))).toThrow(
      "invalid message format",
    );
  });
});

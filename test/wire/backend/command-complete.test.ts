import { describe, expect, test } from "bun:test";
import {
  readCommandComplete,
  writeCommandComplete,
} from "../../../src/wire/backend/command-complete.ts";
import { hex, readWhole, written } from "../hex.ts";

describe("CommandComplete", () => {
  test("has the bytes of the protocol docs", () => {
    const bytes = hex("'C' 0000000d 'SELECT 1' 00");
    expect(written((it) => writeCommandComplete(it, "SELECT 1"))).toEqual(bytes);
    expect(readWhole(readCommandComplete, bytes)).toBe("SELECT 1");
  });

  test("is refused without the end of its tag", () => {
    expect(() => readWhole(readCommandComplete, hex("'C' 0000000a 'SELECT'"))).toThrow(
      "invalid string in message",
    );
  });

  test("is refused with two tags", () => {
    expect(() => readWhole(readCommandComplete, hex("'C' 00000008 'A' 00 'B' 00"))).toThrow(
      "invalid message format",
    );
  });
});

import { describe, expect, test } from "bun:test";
import { writeInt32At } from "../../src/wire/bytes.ts";
import { frontendLengthMax, messageEnd } from "../../src/wire/message-header.ts";
import { FRONTEND } from "../../src/wire/message-type.ts";
import { ProtocolError } from "../../src/wire/protocol-error.ts";

function header(length: number): Uint8Array {
  const bytes = new Uint8Array(8).fill(0xff);
  writeInt32At(bytes, 3, length);
  return bytes;
}

describe("messageEnd", () => {
  test("is one past the message, which may not have arrived", () => {
    expect(messageEnd(header(4), 2)).toBe(7);
    expect(messageEnd(header(1000), 2)).toBe(1003);
    expect(messageEnd(header(0x3fff_fffe), 2)).toBe(0x4000_0001);
  });

  test.each([0, 3, -1, 0x3fff_ffff, 0x7fff_ffff, -0x8000_0000, 0xffff_ffff])(
    "refuses a length of %d",
    (length) => {
      expect(() => messageEnd(header(length), 2)).toThrow(
        new ProtocolError("invalid message length"),
      );
    },
  );
});

describe("frontendLengthMax", () => {
  test("knows every frontend message", () => {
    for (const type of Object.values(FRONTEND)) expect(frontendLengthMax(type)).toBeGreaterThan(0);
  });

  test("allows long messages only where PostgreSQL does", () => {
    const long = Object.entries(FRONTEND)
      .filter(([, type]) => frontendLengthMax(type) > 65_535)
      .map(([name]) => name);
    expect(long.toSorted()).toEqual(["Bind", "CopyData", "FunctionCall", "Parse", "Query"]);
  });

  test("allows nothing of a type that no client may send", () => {
    const types = new Set<number>(Object.values(FRONTEND));
    for (let type = 0; type < 256; type++) {
      if (!types.has(type)) expect(frontendLengthMax(type)).toBe(0);
    }
  });
});

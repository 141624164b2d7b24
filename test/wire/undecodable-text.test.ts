import { describe, expect, test } from "bun:test";
import * as fc from "fast-check";
import { decodeUndecodable, encodeUndecodable } from "../../src/wire/undecodable-text.ts";

describe("undecodable text", () => {
  test("comes back byte for byte, whatever the bytes", () => {
    const likely = fc.constantFrom(
      0x00,
      0x41,
      0x80,
      0xbf,
      0xc0,
      0xc2,
      0xe0,
      0xed,
      0xef,
      0xf0,
      0xf4,
    );
    const bytes = fc.array(fc.oneof(likely, fc.nat({ max: 255 })), { maxLength: 24 });
    fc.assert(
      fc.property(bytes, (it) => {
        const text = decodeUndecodable(Uint8Array.from(it));
        expect([...encodeUndecodable(text)]).toEqual(it);
      }),
      { numRuns: 2000 },
    );
  });

  test("is ordinary text where the bytes are UTF-8", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary", maxLength: 30 }), (text) => {
        expect(decodeUndecodable(new TextEncoder().encode(text))).toBe(text);
      }),
    );
  });

  test("agrees with a strict decoder on what is UTF-8", () => {
    const strict = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
    const isUtf8 = (bytes: Uint8Array): boolean => {
      try {
        strict.decode(bytes);
        return true;
      } catch {
        return false;
      }
    };
    for (let lead = 0x7f; lead <= 0xff; lead++) {
      for (let second = 0x70; second <= 0xd0; second++) {
        const bytes = Uint8Array.of(lead, second, 0x80, 0x80);
        for (const length of [1, 2, 3, 4]) {
          const part = bytes.subarray(0, length);
          expect(decodeUndecodable(part).isWellFormed()).toBe(isUtf8(part));
        }
      }
    }
  });

  test("writes a lone surrogate that no byte stands for as U+FFFD", () => {
    expect([...encodeUndecodable("\uD800")]).toEqual([0xef, 0xbf, 0xbd]);
    expect([...encodeUndecodable("\uDC7F")]).toEqual([0xef, 0xbf, 0xbd]);
  });
});

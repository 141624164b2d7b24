import { describe, expect, test } from "bun:test";
import * as fc from "fast-check";
import {
  findNul,
  readByte,
  readInt16,
  readInt32,
  readText,
  readUint16,
  readUint32,
  writeInt32At,
} from "../../src/wire/bytes.ts";

const encoder = new TextEncoder();

describe("numbers", () => {
  test("agree with DataView at every offset", () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 4, maxLength: 12 }), fc.nat(), (bytes, place) => {
        const at = place % (bytes.length - 3);
        const view = new DataView(bytes.buffer);
        expect(readByte(bytes, at)).toBe(view.getUint8(at));
        expect(readInt16(bytes, at)).toBe(view.getInt16(at));
        expect(readUint16(bytes, at)).toBe(view.getUint16(at));
        expect(readInt32(bytes, at)).toBe(view.getInt32(at));
        expect(readUint32(bytes, at)).toBe(view.getUint32(at));
      }),
    );
  });

  test("are read in the middle of a larger buffer that the array is a view of", () => {
    const view = Uint8Array.of(9, 9, 9, 0xff, 0xff, 0xff, 0xfe).subarray(3);
    expect(readInt32(view, 0)).toBe(-2);
    expect(readUint32(view, 0)).toBe(0xffff_fffe);
  });

  test("are written with their low 32 bits, and nothing beside them", () => {
    for (const value of [0, 1, -1, 0x0102_0304, -0x8000_0000, 0xffff_ffff]) {
      const bytes = new Uint8Array(6).fill(0xaa);
      writeInt32At(bytes, 1, value);
      expect(readUint32(bytes, 1)).toBe(value >>> 0);
      expect([bytes[0], bytes[5]]).toEqual([0xaa, 0xaa]);
    }
  });
});

describe("findNul", () => {
  test("finds the first zero, near and far", () => {
    for (const place of [0, 1, 47, 48, 49, 1000]) {
      const bytes = new Uint8Array(1100).fill(1);
      bytes[place] = 0;
      bytes[1050] = 0;
      expect(findNul(bytes, 0, bytes.length)).toBe(place);
    }
  });

  test("does not find a zero at or behind the end", () => {
    for (const end of [0, 1, 48, 500]) {
      const bytes = new Uint8Array(501).fill(1);
      bytes[end] = 0;
      expect(findNul(bytes, 0, end)).toBe(-1);
    }
  });

  test("does not find a zero before its start", () => {
    expect(findNul(Uint8Array.of(0, 1, 1), 1, 3)).toBe(-1);
  });

  test("finds nothing in a range that ends before it begins", () => {
    expect(findNul(Uint8Array.of(0, 0, 0), 2, 1)).toBe(-1);
  });
});

describe("readText", () => {
  test("reads UTF-8 of every length as TextDecoder does", () => {
    fc.assert(
      fc.property(fc.string({ unit: "grapheme", maxLength: 60 }), (text) => {
        const bytes = encoder.encode(`<${text}>`);
        expect(readText(bytes, 1, bytes.length - 1)).toBe(text);
      }),
    );
  });

  test("keeps a byte order mark: it is part of what the client sent", () => {
    const bytes = encoder.encode("\uFEFFselect 1");
    expect(readText(bytes, 0, bytes.length)).toBe("\uFEFFselect 1");
  });

  test("keeps a replacement character that was really sent", () => {
    const bytes = encoder.encode("a\uFFFDb");
    expect(readText(bytes, 0, bytes.length)).toBe("a\uFFFDb");
  });

  test("never makes one text of two names in an encoding that is not UTF-8", () => {
    expect(readText(Uint8Array.of(0x61, 0xe9), 0, 2)).not.toBe(
      readText(Uint8Array.of(0x61, 0xe8), 0, 2),
    );
  });
});

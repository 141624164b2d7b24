import { describe, expect, test } from "bun:test";
import { array, assert, constantFrom, oneof, property, uint8Array } from "fast-check";
import { StatementNames } from "../../../src/session/statements/statement-names.ts";
import { readText } from "../../../src/wire/bytes.ts";

const encoder = new TextEncoder();

function read(names: StatementNames, bytes: Uint8Array): string {
  const inside = new Uint8Array([0x42, ...bytes, 0]);
  return names.read(inside, 1, 1 + bytes.length);
}

describe("StatementNames", () => {
  test("reads a name the second time as the first time", () => {
    const names = new StatementNames();
    const name = encoder.encode("S_1");
    expect(read(names, name)).toBe("S_1");
    expect(read(names, name)).toBe("S_1");
  });

  test("takes no name for another one in its place", () => {
    const names = new StatementNames();
    // Each pair has one length and the same last two characters.
    for (const name of ["aa_1", "bb_1", "aa_1", "ba_1", "aa_1"])
      expect(read(names, encoder.encode(name))).toBe(name);
  });

  test("takes a byte above ASCII for no character of its number", () => {
    const names = new StatementNames();
    expect(read(names, encoder.encode("é"))).toBe("é");
    const latin1 = Uint8Array.of(0xe9);
    expect(read(names, latin1)).toBe(readText(latin1, 0, 1));
    expect(read(names, latin1)).not.toBe("é");
  });

  test("reads a name that is a single byte, and one that is too long to be remembered", () => {
    const names = new StatementNames();
    const long = "x".repeat(10_000);
    for (const name of ["a", long, "a", long]) expect(read(names, encoder.encode(name))).toBe(name);
  });

  test("reads whatever bytes as readText does, whatever was read before", () => {
    const someBytes = uint8Array({ minLength: 1, maxLength: 4, max: 0xff });
    // Few distinct bytes, so that names often meet in one place.
    const fewBytes = array(constantFrom(0x61, 0x62, 0xc3, 0xa9, 0xe9), {
      minLength: 1,
      maxLength: 5,
    }).map((bytes) => Uint8Array.from(bytes));
    assert(
      property(array(oneof(someBytes, fewBytes), { maxLength: 40 }), (all) => {
        const names = new StatementNames();
        for (const bytes of all) expect(read(names, bytes)).toBe(readText(bytes, 0, bytes.length));
      }),
    );
  });
});

import { describe, expect, test } from "bun:test";
import * as fc from "fast-check";
import { saslPrepare } from "../../src/auth/saslprep.ts";
import { matchesSaltedPassword, parseScramVerifier } from "../../src/auth/scram-verifier.ts";
import { PREPARED_PASSWORDS, UNPREPARED_PASSWORDS } from "./postgresql-verifiers.ts";
import { saltPassword, toBytes } from "./salted-password.ts";

function fitsVerifier(password: string, text: string): boolean {
  const verifier = parseScramVerifier(text);
  if (verifier === null) return false;
  const { salt, iterations } = verifier;
  return matchesSaltedPassword(verifier, saltPassword(password, salt, iterations));
}

describe("saslPrepare", () => {
  for (const { behaviour, password, prepared, verifier } of PREPARED_PASSWORDS)
    test(`${behaviour}, as PostgreSQL does`, () => {
      expect(Buffer.from(saslPrepare(toBytes(password))).toString()).toBe(prepared);
      expect(fitsVerifier(password, verifier)).toBeTrue();
    });

  for (const { reason, password, verifier } of UNPREPARED_PASSWORDS)
    test(`leaves alone a password that ${reason}, as PostgreSQL does`, () => {
      const raw = toBytes(password);
      expect(saslPrepare(raw)).toBe(raw);
      expect(fitsVerifier(password, verifier)).toBeTrue();
    });

  test.each([
    [0xff],
    [0x61, 0xc3],
    [0xc0, 0x80],
    [0xed, 0xa0, 0x80],
    [0xf4, 0x90, 0x80, 0x80],
    [0xc2, 0xa0, 0x80],
  ])("leaves alone what is no UTF-8: %p", (...values) => {
    const raw = Uint8Array.from(values);
    expect(saslPrepare(raw)).toBe(raw);
  });

  test("leaves alone the empty password and every password of ASCII", () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 0, max: 127 })), (values) => {
        const raw = Uint8Array.from(values);
        expect(saslPrepare(raw)).toBe(raw);
      }),
    );
  });

  test("takes any bytes, and changes what it has prepared no further", () => {
    const anything = fc.oneof(fc.uint8Array(), fc.string({ unit: "binary" }).map(toBytes));
    fc.assert(
      fc.property(anything, (password) => {
        const prepared = saslPrepare(password);
        expect(Buffer.compare(saslPrepare(prepared), prepared)).toBe(0);
      }),
      { numRuns: 1000 },
    );
  });
});

import { describe, expect, test } from "bun:test";
import * as fc from "fast-check";
import {
  formatScramVerifier,
  matchesSaltedPassword,
  parseScramVerifier,
  type ScramVerifier,
  verifierFromSaltedPassword,
} from "../../src/auth/scram-verifier.ts";
import { PENCIL_VERIFIERS } from "./postgresql-verifiers.ts";
import { saltPassword } from "./salted-password.ts";

const [GOOD] = PENCIL_VERIFIERS;

function parse(text: string): ScramVerifier {
  const verifier = parseScramVerifier(text);
  if (verifier === null) throw new Error(`not a verifier: ${text}`);
  return verifier;
}

describe("a SCRAM verifier", () => {
  test.each(PENCIL_VERIFIERS)("of PostgreSQL is read and written unchanged: %s", (text) => {
    expect(formatScramVerifier(parse(text))).toBe(text);
  });

  test.each(PENCIL_VERIFIERS)("of PostgreSQL fits its password: %s", (text) => {
    const verifier = parse(text);
    const { salt, iterations } = verifier;
    const saltedPassword = saltPassword("pencil", salt, iterations);
    expect(matchesSaltedPassword(verifier, saltedPassword)).toBeTrue();
    expect(verifierFromSaltedPassword(saltedPassword, salt, iterations)).toEqual(verifier);
  });

  test("does not fit another password", () => {
    const verifier = parse(GOOD);
    const saltedPassword = saltPassword("Pencil", verifier.salt, verifier.iterations);
    expect(matchesSaltedPassword(verifier, saltedPassword)).toBeFalse();
  });

  test("survives writing and reading, whatever it holds", () => {
    const key = fc.uint8Array({ minLength: 32, maxLength: 32 });
    const verifiers = fc.record({
      iterations: fc.integer({ min: 1, max: 2_147_483_647 }),
      salt: fc.uint8Array({ minLength: 1, maxLength: 128 }),
      storedKey: key,
      serverKey: key,
    });
    fc.assert(
      fc.property(verifiers, (verifier) => {
        const read = parse(formatScramVerifier(verifier));
        expect(read.iterations).toBe(verifier.iterations);
        for (const part of ["salt", "storedKey", "serverKey"] as const)
          expect(Buffer.compare(read[part], verifier[part])).toBe(0);
      }),
    );
  });

  const damaged: ReadonlyArray<readonly [string, string]> = [
    ["the empty text", ""],
    ["a prefix in lower case", GOOD.replace("SCRAM-SHA-256", "scram-sha-256")],
    ["another hash", GOOD.replace("256", "512")],
    ["space in front", ` ${GOOD}`],
    ["space behind", `${GOOD} `],
    ["a line break behind", `${GOOD}\n`],
    ["no iterations", GOOD.replace("4096", "")],
    ["zero iterations", GOOD.replace("4096", "0")],
    ["negative iterations", GOOD.replace("4096", "-1")],
    ["signed iterations", GOOD.replace("4096", "+1")],
    ["iterations with a leading zero", GOOD.replace("4096", "04096")],
    ["hexadecimal iterations", GOOD.replace("4096", "0x1000")],
    ["iterations beyond 32 bits", GOOD.replace("4096", "2147483648")],
    ["iterations of many digits", GOOD.replace("4096", "9".repeat(40))],
    ["no salt", GOOD.replace("Z6b0Y/j8HdjQbLnX918iIQ==", "")],
    ["a salt that is no base64", GOOD.replace("Z6b0", "Z6b*")],
    ["a salt without padding", GOOD.replace("==", "")],
    ["a salt with stray bits", GOOD.replace("IQ==", "IR==")],
    ["base64 for URLs", GOOD.replace("Y/j8", "Y_j8")],
    ["a stored key of 31 bytes", GOOD.replace(/\$YVK4[^:]+:/, `$${"A".repeat(40)}AA==:`)],
    ["a server key of 33 bytes", GOOD.replace(/:nPRb.+$/, `:${"A".repeat(44)}`)],
    ["no server key", GOOD.slice(0, GOOD.lastIndexOf(":"))],
    ["one part too many", `${GOOD}:AAAA`],
    ["more than 512 characters", GOOD.replace("Z6b0", "AAAA".repeat(200))],
  ];
  test.each(damaged)("is not seen in %s", (_, text) => {
    expect(text).not.toBe(GOOD);
    expect(parseScramVerifier(text)).toBeNull();
  });

  test("is not seen in any beginning of one", () => {
    for (let length = 0; length < GOOD.length; length += 1)
      expect(parseScramVerifier(GOOD.slice(0, length))).toBeNull();
  });

  test("has one spelling: what is read is written as it was", () => {
    const mutations = fc.tuple(fc.nat(GOOD.length - 1), fc.string({ maxLength: 3 }));
    fc.assert(
      fc.property(mutations, ([offset, replacement]) => {
        const text = GOOD.slice(0, offset) + replacement + GOOD.slice(offset + 1);
        const verifier = parseScramVerifier(text);
        if (verifier !== null) expect(formatScramVerifier(verifier)).toBe(text);
      }),
      { numRuns: 500 },
    );
  });
});

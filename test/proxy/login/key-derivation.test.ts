import { describe, expect, test } from "bun:test";
import { matchesSaltedPassword } from "../../../src/auth/scram-verifier.ts";
import { DerivedKeys, saltPassword } from "../../../src/proxy/login/key-derivation.ts";
import { Verifiers } from "../../../src/proxy/login/verifiers.ts";
import { saltPassword as saltAsTestsDo } from "../../auth/salted-password.ts";

const SALT = new Uint8Array(16).fill(1);
const OTHER_SALT = new Uint8Array(16).fill(2);

describe("saltPassword", () => {
  test.each(["pencil", "", "I\u00adX", "\u2168", "p\u0000q"])(
    "prepares and salts %p",
    async (password) => {
      const salted = await saltPassword(password, SALT, 2);
      expect(Buffer.compare(salted, saltAsTestsDo(password, SALT, 2))).toBe(0);
    },
  );
});

describe("DerivedKeys", () => {
  test("derives once for logins that come together or one after the other", async () => {
    const keys = new DerivedKeys("pencil");
    const first = keys.keysFor(SALT, 2);
    expect(keys.keysFor(Uint8Array.from(SALT), 2)).toBe(first);
    await first;
    expect(keys.keysFor(SALT, 2)).toBe(first);
  });

  test("derives again for another salt or iteration count, and keeps the last only", async () => {
    const keys = new DerivedKeys("pencil");
    const first = keys.keysFor(SALT, 2);
    expect(keys.keysFor(SALT, 3)).not.toBe(first);
    const other = keys.keysFor(OTHER_SALT, 2);
    const again = keys.keysFor(SALT, 2);
    expect(again).not.toBe(first);
    expect((await again).clientKey).toEqual((await first).clientKey);
    expect((await other).clientKey).not.toEqual((await first).clientKey);
  });
});

describe("Verifiers", () => {
  test("give a password its verifier, once", async () => {
    const verifiers = new Verifiers(SALT);
    const derived = verifiers.verifierOf("u@t", "pencil");
    expect(verifiers.verifierOf("u@t", "pencil")).toBe(derived);
    const { salt, iterations } = await derived;
    const salted = await saltPassword("pencil", salt, iterations);
    expect(matchesSaltedPassword(await derived, salted)).toBeTrue();
    const wrong = await saltPassword("wrong", salt, iterations);
    expect(matchesSaltedPassword(await derived, wrong)).toBeFalse();
  });

  test("give a changed password another verifier", async () => {
    const verifiers = new Verifiers(SALT);
    const before = await verifiers.verifierOf("u@t", "pencil");
    const after = await verifiers.verifierOf("u@t", "crayon");
    expect(after.storedKey).not.toEqual(before.storedKey);
  });

  test("salt a name alike whether it has a password, on every worker with the same secret", async () => {
    const { salt, iterations } = await new Verifiers(SALT).verifierOf("u@t", "pencil");
    const mock = new Verifiers(SALT).mockOf("u@t");
    expect(mock.salt).toEqual(salt);
    expect(mock.iterations).toBe(iterations);
    expect(new Verifiers(OTHER_SALT).mockOf("u@t").salt).not.toEqual(salt);
    expect(new Verifiers(SALT).mockOf("v@t").salt).not.toEqual(salt);
  });
});

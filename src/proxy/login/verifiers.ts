/**
 * What clients are checked against: the verifiers of users whose passwords are known, and mock ones for
 * names that nobody has. Both have the salt that follows from the name, so that a salt says nothing of
 * whether its user exists; not even one seen on another worker or after a restart.
 *
 * Deriving a verifier takes a PBKDF2, so each is derived once, off the serving thread, and kept.
 */

import { mockVerifier } from "../../auth/mock-verifier.ts";
import type { ScramVerifier } from "../../auth/scram-verifier.ts";
import { verifierFromSaltedPassword } from "../../auth/scram-verifier.ts";
import { LruMap } from "../../base/lru-map.ts";
import { saltPassword } from "./key-derivation.ts";

/** Users that are kept: some 400 bytes each. */
const VERIFIERS_MAX = 20_000;

/** Of each: its password, and the one before while that is being changed. */
const PASSWORDS_MAX = 2;

interface Derived {
  readonly password: string;
  /** A promise only while it is being derived. */
  verifier: ScramVerifier | Promise<ScramVerifier>;
}

export class Verifiers {
  readonly #secret: Uint8Array;
  readonly #derived = new LruMap<string, readonly Derived[]>(VERIFIERS_MAX);

  /** `secret` makes the salts: the same on all workers and after a restart. */
  constructor(secret: Uint8Array) {
    this.#secret = secret;
  }

  /** Returns a verifier that no password fits. `claim`: who the client says it is. */
  mockOf(claim: string): ScramVerifier {
    return mockVerifier(this.#secret, claim);
  }

  /** Returns the verifier of `password` for who says that it is `claim`: at once, from the second time on. */
  verifierOf(claim: string, password: string): ScramVerifier | Promise<ScramVerifier> {
    const derivedBefore = this.#derived.get(claim) ?? [];
    const known = derivedBefore.find((each) => each.password === password);
    if (known !== undefined) return known.verifier;
    const verifier = this.#derive(claim, password).then((result) => {
      derived.verifier = result;
      return result;
    });
    const derived: Derived = { password, verifier };
    this.#derived.set(claim, [derived, ...derivedBefore].slice(0, PASSWORDS_MAX));
    return verifier;
  }

  async #derive(claim: string, password: string): Promise<ScramVerifier> {
    const { salt, iterations } = this.mockOf(claim);
    const salted = await saltPassword(password, salt, iterations);
    return verifierFromSaltedPassword(salted, salt, iterations);
  }
}

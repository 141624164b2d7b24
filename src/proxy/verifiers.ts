/**
 * What clients are checked against: the verifiers of users whose passwords are known. Deriving one
 * takes a PBKDF2, so each is derived once, off the serving thread, and kept.
 */

import type { ScramVerifier } from "../auth/scram-verifier.ts";
import { verifierFromSaltedPassword } from "../auth/scram-verifier.ts";
import { LruMap } from "../base/lru-map.ts";
import type { Random } from "../base/random.ts";
import { saltPassword } from "./key-derivation.ts";

/** PostgreSQL's defaults. */
const SALT_BYTES = 16;
const ITERATIONS = 4096;

/** Users that are kept: some 400 bytes each. */
const VERIFIERS_MAX = 20_000;

interface Derived {
  readonly password: string;
  readonly verifier: Promise<ScramVerifier>;
}

export class Verifiers {
  readonly #random: Random;
  readonly #derived = new LruMap<string, Derived>(VERIFIERS_MAX);

  constructor(random: Random) {
    this.#random = random;
  }

  /** Returns the verifier of `identity`'s password; a new one when the password is another. */
  verifierOf(identity: string, password: string): Promise<ScramVerifier> {
    const known = this.#derived.get(identity);
    if (known !== undefined && known.password === password) return known.verifier;
    const salt = this.#random.bytes(SALT_BYTES);
    const verifier = saltPassword(password, salt, ITERATIONS).then((salted) =>
      verifierFromSaltedPassword(salted, salt, ITERATIONS),
    );
    this.#derived.set(identity, { password, verifier });
    return verifier;
  }
}

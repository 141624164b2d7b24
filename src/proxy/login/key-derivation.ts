/**
 * PBKDF2, off the serving thread: node:crypto runs it in its own threads.
 */

import { pbkdf2 } from "node:crypto";
import { promisify } from "node:util";
import { saslPrepare } from "../../auth/saslprep.ts";
import { type ScramKeys, scramKeysFromSaltedPassword } from "../../auth/scram-keys.ts";

const derive = promisify(pbkdf2);
const encoder = new TextEncoder();

/** Bytes of SHA-256, the length of a salted password. */
const KEY_BYTES = 32;

/** Returns the salted password (RFC 5802's Hi) of SASLprep(password). */
export function saltPassword(
  password: string,
  salt: Uint8Array,
  iterations: number,
): Promise<Uint8Array> {
  return derive(saslPrepare(encoder.encode(password)), salt, iterations, KEY_BYTES, "sha256");
}

/**
 * The keys of one password under the last salt that was asked for. A server keeps one verifier for a
 * user, so all its connections ask for the same; logins that come together share one derivation.
 */
export class DerivedKeys {
  readonly #password: string;
  #salt: Uint8Array | null = null;
  #iterations = 0;
  #keys: Promise<ScramKeys> | null = null;

  constructor(password: string) {
    this.#password = password;
  }

  keysFor(salt: Uint8Array, iterations: number): Promise<ScramKeys> {
    const same =
      this.#salt !== null &&
      this.#iterations === iterations &&
      Buffer.from(this.#salt).equals(salt);
    if (this.#keys !== null && same) return this.#keys;
    this.#salt = salt;
    this.#iterations = iterations;
    this.#keys = saltPassword(this.#password, salt, iterations).then(scramKeysFromSaltedPassword);
    return this.#keys;
  }
}

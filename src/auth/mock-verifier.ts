/**
 * The verifier of a user who does not exist, so that a login with an unknown name takes the steps and
 * the work of one with a wrong password.
 */

import { createHmac } from "node:crypto";
import type { ScramVerifier } from "./scram-verifier.ts";

/** The salt length and iteration count of verifiers that PostgreSQL makes by default. */
const MOCK_SALT_BYTES = 16;
const MOCK_ITERATIONS_DEFAULT = 4096;

/**
 * Returns the mock verifier of `identity`. No proof fits it: its StoredKey is no hash of a key that
 * anyone knows.
 *
 * `secret` is at least 32 random bytes. It has to be the same wherever and whenever the same name may
 * be tried again (all workers, all nodes, after a restart): a salt that changes says that the user
 * does not exist. `identity` names user and tenant, and holds no zero byte. `iterations` should be
 * what most true verifiers have.
 */
export function mockVerifier(
  secret: Uint8Array,
  identity: string,
  iterations: number = MOCK_ITERATIONS_DEFAULT,
): ScramVerifier {
  return {
    iterations,
    salt: derive(secret, "", identity).subarray(0, MOCK_SALT_BYTES),
    storedKey: derive(secret, "StoredKey", identity),
    serverKey: derive(secret, "ServerKey", identity),
  };
}

/** No two pairs of purpose and identity share an input, since neither holds the zero between them. */
function derive(secret: Uint8Array, purpose: string, identity: string): Uint8Array {
  return createHmac("sha256", secret).update(`${purpose}\0${identity}`).digest();
}

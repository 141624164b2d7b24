/**
 * A secret that begins as a SCRAM verifier and is none: taken for a password, it would let in whoever reads it.
 */

import { classifySecret } from "../auth/secret.ts";

/** A clause that continues the field's name. */
export const DAMAGED_VERIFIER =
  "begins as a SCRAM verifier and is none: cut off, damaged, or not of SCRAM-SHA-256";

/** Says whether `secret`, which is not empty, is one. */
export function isDamagedVerifier(secret: string): boolean {
  return classifySecret(secret) === null;
}

/**
 * The check of a password that a client sent in clear text against a stored one. A SCRAM verifier
 * needs PBKDF2 first, off the serving thread: `matchesSaltedPassword` in scram-verifier.ts.
 */

import { equalInConstantTime } from "./constant-time.ts";
import { md5Verifier } from "./md5.ts";
import type { Secret } from "./secret.ts";
import { sha256 } from "./sha-256.ts";

/** The secrets that can be checked at once. */
export type UnsaltedSecret = Exclude<Secret, { readonly kind: "scram" }>;

/** Tells, in constant time, whether `password` is that of `secret`, which belongs to `user`. */
export function matchesCleartextPassword(
  secret: UnsaltedSecret,
  user: string,
  password: string,
): boolean {
  return secret.kind === "plaintext"
    ? equalTexts(secret.password, password)
    : equalTexts(secret.verifier, md5Verifier(user, password));
}

/** Compares digests, since passwords differ in length. */
function equalTexts(left: string, right: string): boolean {
  return equalInConstantTime(sha256(Buffer.from(left)), sha256(Buffer.from(right)));
}

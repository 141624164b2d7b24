/**
 * PostgreSQL's MD5 password authentication. A verifier is `md5` and 32 lower-case hexadecimal digits
 * of MD5(password, user); a response is the same over those digits and the salt of
 * AuthenticationMD5Password. It is weak: whoever has the verifier can log in. Kept for the verifiers
 * that are still stored.
 */

import { createHash } from "node:crypto";
import { assert } from "../base/assert.ts";
import { equalInConstantTime } from "./constant-time.ts";

/** The length of the salt in AuthenticationMD5Password. */
const MD5_SALT_BYTES = 4;

const MD5_VERIFIER_PATTERN = /^md5[0-9a-f]{32}$/;

/** Tells whether `text` is an MD5 verifier, by PostgreSQL's own rule. */
export function isMd5Verifier(text: string): boolean {
  return MD5_VERIFIER_PATTERN.test(text);
}

/** Returns the verifier of `password` for `user`: renaming the user makes it worthless. */
export function md5Verifier(user: string, password: string): string {
  return `md5${createHash("md5").update(password).update(user).digest("hex")}`;
}

/**
 * Returns what a client answers to AuthenticationMD5Password with `salt`, given its verifier: `md5`
 * and 32 hexadecimal digits, without the terminating zero of PasswordMessage.
 */
export function md5Response(verifier: string, salt: Uint8Array): string {
  assert(isMd5Verifier(verifier), "an MD5 verifier is md5 and 32 hexadecimal digits");
  assert(salt.byteLength === MD5_SALT_BYTES, "an MD5 salt has four bytes");
  const digits = verifier.slice("md5".length);
  return `md5${createHash("md5").update(digits).update(salt).digest("hex")}`;
}

/** Tells, in constant time, whether `response` is the one that `verifier` and `salt` ask for. */
export function isMd5Response(verifier: string, salt: Uint8Array, response: string): boolean {
  return equalInConstantTime(Buffer.from(md5Response(verifier, salt)), Buffer.from(response));
}

/**
 * A stored secret, by the ways in which it can be checked.
 */

import { isMd5Verifier } from "./md5.ts";
import { parseScramVerifier, type ScramVerifier } from "./scram-verifier.ts";

export type Secret =
  | { readonly kind: "plaintext"; readonly password: string }
  | { readonly kind: "md5"; readonly verifier: string }
  | { readonly kind: "scram"; readonly verifier: ScramVerifier };

/** Text that only a SCRAM verifier begins with, of this hash or of one to come. */
const SCRAM_VERIFIER_PREFIX = /^SCRAM-[A-Z0-9-]+\$/;

/**
 * Returns what `text` (a value of `pg_authid.rolpassword`, of a user list or of a store) is: a
 * verifier where PostgreSQL would see one, else a password in clear text. Returns null for what
 * nobody may log in with: the empty text, and a SCRAM verifier that is damaged or of another hash.
 * Taken for a password, the latter would let in whoever reads it.
 */
export function classifySecret(text: string): Secret | null {
  if (text === "") return null;
  if (isMd5Verifier(text)) return { kind: "md5", verifier: text };
  if (!SCRAM_VERIFIER_PREFIX.test(text)) return { kind: "plaintext", password: text };
  const verifier = parseScramVerifier(text);
  return verifier === null ? null : { kind: "scram", verifier };
}

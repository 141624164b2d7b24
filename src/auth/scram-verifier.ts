/**
 * What a server stores to check SCRAM-SHA-256 proofs, and PostgreSQL's text for it
 * (`pg_authid.rolpassword`): `SCRAM-SHA-256$<iterations>:<salt>$<StoredKey>:<ServerKey>`, salt and
 * keys in base64.
 */

import { decodeBase64, encodeBase64 } from "./base64.ts";
import { equalInConstantTime } from "./constant-time.ts";
import { scramKeysFromSaltedPassword } from "./scram-keys.ts";
import { SHA_256_BYTES } from "./sha-256.ts";

/** The longest text taken for a verifier: PostgreSQL's MAX_ENCRYPTED_PASSWORD_LEN. */
const VERIFIER_TEXT_LENGTH_MAX = 512;

/** The highest count PostgreSQL can store: its `scram_iterations` is a signed 32-bit integer. */
const VERIFIER_ITERATIONS_MAX = 2_147_483_647;

const VERIFIER_PATTERN = /^SCRAM-SHA-256\$([1-9][0-9]{0,9}):([^$:]+)\$([^$:]+):([^$:]+)$/;

export interface ScramVerifier {
  /** The PBKDF2 iteration count the password was salted with, at least 1. */
  readonly iterations: number;
  /** At least one byte; 16 in those PostgreSQL makes. */
  readonly salt: Uint8Array;
  /** 32 bytes. */
  readonly storedKey: Uint8Array;
  /** 32 bytes. */
  readonly serverKey: Uint8Array;
}

/** Returns the verifier that `text` spells, or null where it is anything else. */
export function parseScramVerifier(text: string): ScramVerifier | null {
  if (text.length > VERIFIER_TEXT_LENGTH_MAX) return null;
  const match = VERIFIER_PATTERN.exec(text);
  if (match === null) return null;
  const [, iterationsText = "", saltText = "", storedKeyText = "", serverKeyText = ""] = match;
  const iterations = Number(iterationsText);
  if (iterations > VERIFIER_ITERATIONS_MAX) return null;
  const salt = decodeBase64(saltText);
  const storedKey = decodeKey(storedKeyText);
  const serverKey = decodeKey(serverKeyText);
  if (salt === null || storedKey === null || serverKey === null) return null;
  return { iterations, salt, storedKey, serverKey };
}

/** Returns the text that PostgreSQL would store for `verifier`. */
export function formatScramVerifier(verifier: ScramVerifier): string {
  const salting = `${verifier.iterations}:${encodeBase64(verifier.salt)}`;
  const keys = `${encodeBase64(verifier.storedKey)}:${encodeBase64(verifier.serverKey)}`;
  return `SCRAM-SHA-256$${salting}$${keys}`;
}

/**
 * Returns the verifier of the password that was salted, by PBKDF2-HMAC-SHA-256 with `salt` and
 * `iterations`, into the 32 bytes of `saltedPassword`. Keeps `salt`, not a copy.
 */
export function verifierFromSaltedPassword(
  saltedPassword: Uint8Array,
  salt: Uint8Array,
  iterations: number,
): ScramVerifier {
  const { storedKey, serverKey } = scramKeysFromSaltedPassword(saltedPassword);
  return { iterations, salt, storedKey, serverKey };
}

/**
 * Tells, in constant time, whether `saltedPassword` (salted as `verifier` says) is that of the
 * verifier's password: the check of a password that a client sent in clear text.
 */
export function matchesSaltedPassword(
  verifier: ScramVerifier,
  saltedPassword: Uint8Array,
): boolean {
  const { storedKey } = scramKeysFromSaltedPassword(saltedPassword);
  return equalInConstantTime(storedKey, verifier.storedKey);
}

/**
 * Tells whether a password that is salted for one of the verifiers is salted for the other as well: then
 * one SCRAM exchange can check a proof against both.
 */
export function sameSalting(one: ScramVerifier, other: ScramVerifier): boolean {
  return one.iterations === other.iterations && Buffer.from(one.salt).equals(other.salt);
}

function decodeKey(text: string): Uint8Array | null {
  const key = decodeBase64(text);
  return key !== null && key.byteLength === SHA_256_BYTES ? key : null;
}

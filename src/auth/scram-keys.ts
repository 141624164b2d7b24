/**
 * The keys of SCRAM-SHA-256 (RFC 5802 section 3). PBKDF2 itself happens elsewhere, off the serving
 * thread: its result, the salted password, comes in as an argument.
 */

import { hmacSha256, sha256 } from "./sha-256.ts";

/**
 * What proves a password to a server without the password. `clientKey` is as secret as the password
 * for whoever holds the verifier it belongs to; keys fit only a verifier with the same salt and
 * iteration count.
 */
export interface ScramLoginKeys {
  /** 32 bytes: proves the client to the server. */
  readonly clientKey: Uint8Array;
  /** 32 bytes: proves the server to the client. */
  readonly serverKey: Uint8Array;
}

export interface ScramKeys extends ScramLoginKeys {
  /** 32 bytes: SHA-256 of the client key, by which a server checks a proof. */
  readonly storedKey: Uint8Array;
}

/**
 * Returns the three keys that follow from `saltedPassword`, the 32 bytes of
 * PBKDF2-HMAC-SHA-256(SASLprep(password), salt, iterations).
 */
export function scramKeysFromSaltedPassword(saltedPassword: Uint8Array): ScramKeys {
  const clientKey = hmacSha256(saltedPassword, "Client Key");
  return {
    clientKey,
    storedKey: sha256(clientKey),
    serverKey: hmacSha256(saltedPassword, "Server Key"),
  };
}

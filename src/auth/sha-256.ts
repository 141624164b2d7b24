/**
 * SHA-256 and its HMAC: the H() and HMAC() of RFC 5802 for SCRAM-SHA-256 (RFC 7677).
 */

import { createHmac, hash } from "node:crypto";

/** The length of a SHA-256 digest, and so of every SCRAM-SHA-256 key and proof. */
export const SHA_256_BYTES = 32;

/** Returns the digest of `bytes`: 32 bytes in a fresh buffer. */
export function sha256(bytes: Uint8Array): Uint8Array {
  return hash("sha256", bytes, "buffer");
}

/**
 * Returns the HMAC of `text` under `key`: 32 bytes in a fresh buffer. Each character of `text` is one
 * byte (latin1), the form in which this room holds SCRAM messages.
 */
export function hmacSha256(key: Uint8Array, text: string): Uint8Array {
  return createHmac("sha256", key).update(text, "latin1").digest();
}

/**
 * Tokens that are refused though they are good.
 */

import { createHash, timingSafeEqual } from "node:crypto";

const SHA_256_HEX = /^[0-9a-f]{64}$/i;

/**
 * Tells whether `token` is in `blocklist`, as it is or as its SHA-256 in hexadecimal. It takes the same time
 * for every token: hashes are compared, and all of them.
 */
export function isBlocked(token: string, blocklist: readonly string[]): boolean {
  const hash = sha256(token);
  let found = false;
  for (const item of blocklist) {
    const blocked = SHA_256_HEX.test(item) ? Buffer.from(item, "hex") : sha256(item);
    if (timingSafeEqual(hash, blocked)) found = true;
  }
  return found;
}

function sha256(text: string): Buffer {
  return createHash("sha256").update(text).digest();
}

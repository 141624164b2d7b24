/**
 * Base64 as SCRAM uses it: RFC 4648 section 4, padded, canonical. Nothing else is accepted, so that
 * one value has one spelling.
 */

/** Returns `bytes` in base64, padded. */
export function encodeBase64(bytes: Uint8Array): string {
  return bytes.toBase64();
}

/**
 * Returns the bytes that `text` spells, in a fresh buffer, or null where it is not canonical base64:
 * a foreign character, white space, missing padding, stray bits in the last character.
 */
export function decodeBase64(text: string): Uint8Array | null {
  // Buffer skips what it doesn't know, so the way back is the check.
  const bytes = Buffer.from(text, "base64");
  return bytes.toString("base64") === text ? bytes : null;
}

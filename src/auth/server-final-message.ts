/**
 * server-final-message (RFC 5802 section 7): `v=<server signature, base64>[,<extensions>]`, or
 * `e=<error>[,<extensions>]`.
 */

import { decodeBase64, encodeBase64 } from "./base64.ts";
import { malformedScramMessage } from "./sasl-protocol-error.ts";
import { expectAttribute, parseScramAttributes } from "./scram-message.ts";
import { readScramErrorValue, ServerRejectionError } from "./server-rejection-error.ts";
import { SHA_256_BYTES } from "./sha-256.ts";

/**
 * Returns the signature in `text`, 32 bytes. Throws a ServerRejectionError where the server reports
 * an error, else as the other parsers do.
 */
export function parseServerFinalMessage(text: string): Uint8Array {
  const [first] = parseScramAttributes(text);
  if (first?.name === "e") throw new ServerRejectionError(readScramErrorValue(first.value));
  const signature = decodeBase64(expectAttribute(first, "v"));
  if (signature === null || signature.byteLength !== SHA_256_BYTES)
    throw malformedScramMessage("Malformed signature in server-final-message.");
  return signature;
}

/** Returns the text that carries `signature`. */
export function formatServerFinalMessage(signature: Uint8Array): string {
  return `v=${encodeBase64(signature)}`;
}

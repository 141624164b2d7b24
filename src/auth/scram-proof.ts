/**
 * The signatures of a SCRAM exchange (RFC 5802 section 3), over its AuthMessage:
 * client-first-message-bare "," server-first-message "," client-final-message-without-proof.
 */

import { assert } from "../base/assert.ts";
import { hmacSha256, sha256 } from "./sha-256.ts";

/** Returns the 32 bytes of the ClientProof that shows knowledge of `clientKey`. */
export function computeClientProof(clientKey: Uint8Array, authMessage: string): Uint8Array {
  return xorBytes(clientKey, hmacSha256(sha256(clientKey), authMessage));
}

/**
 * Returns the ClientKey inside `proof`. It is the true one only if its SHA-256 is `storedKey`, which
 * the caller checks.
 */
export function recoverClientKey(
  proof: Uint8Array,
  storedKey: Uint8Array,
  authMessage: string,
): Uint8Array {
  return xorBytes(proof, hmacSha256(storedKey, authMessage));
}

/** Returns the 32 bytes of the ServerSignature that shows knowledge of `serverKey`. */
export function computeServerSignature(serverKey: Uint8Array, authMessage: string): Uint8Array {
  return hmacSha256(serverKey, authMessage);
}

function xorBytes(left: Uint8Array, right: Uint8Array): Uint8Array {
  assert(left.byteLength === right.byteLength, "a proof and its signature are of one length");
  const result = new Uint8Array(left.byteLength);
  for (let index = 0; index < result.length; index += 1)
    result[index] = (left[index] ?? 0) ^ (right[index] ?? 0);
  return result;
}

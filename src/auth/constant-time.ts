/**
 * Comparison of secrets in a time that does not depend on where they differ.
 */

import { timingSafeEqual } from "node:crypto";

/**
 * Tells whether `left` and `right` hold the same bytes. Only their lengths can be learnt from the
 * time it takes, so compare values of a public length: keys, proofs, hashes.
 */
export function equalInConstantTime(left: Uint8Array, right: Uint8Array): boolean {
  return left.byteLength === right.byteLength && timingSafeEqual(left, right);
}

/**
 * Whether a claim of a token is what JWT_CLAIM_VALIDATORS demands.
 */

import { isDeepStrictEqual } from "node:util";

/**
 * True where `claim` is equal to `demanded`, or is a list that has it: `aud` may be either (RFC 7519,
 * section 4.1.3), and so are roles. An absent claim fits nothing.
 */
export function fitsClaim(claim: unknown, demanded: unknown): boolean {
  if (claim === undefined) return false;
  if (isDeepStrictEqual(claim, demanded)) return true;
  return Array.isArray(claim) && claim.some((item) => isDeepStrictEqual(item, demanded));
}

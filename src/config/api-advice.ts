/**
 * What is allowed of the API's settings, for the sake of those who come from Supavisor, and better not done.
 */

import type { Config } from "./settings.ts";

/** The length of HS256's hash, below which its key must not be (RFC 7518, section 3.2). */
const KEY_BYTES_MIN = 32;

/** Returns a warning for each. */
export function adviseOnApi({ apiJwtSecret, apiJwksUrl }: Config): readonly string[] {
  const warnings: string[] = [];
  const keyBytes = Buffer.byteLength(apiJwtSecret ?? "");
  if (apiJwtSecret !== null && keyBytes < KEY_BYTES_MIN)
    warnings.push(
      `API_JWT_SECRET has ${keyBytes} bytes: whoever sees one token can guess at it; ${KEY_BYTES_MIN} random ones are safe (openssl rand -base64 32)`,
    );
  if (apiJwksUrl?.startsWith("http:") === true)
    warnings.push(
      "API_JWKS_URL is not https: whoever is between here and there can put in keys of their own",
    );
  return warnings;
}

/**
 * The HTTP API: who may use it, and how much of it.
 */

import { bytes, count } from "../integer-settings.ts";
import { boolean, jsonObject, secretList, secretText, url } from "../text-settings.ts";

const KEY_BYTES_MAX = 4096;

export const API_SETTINGS = {
  apiJwtSecret: secretText({
    name: "API_JWT_SECRET",
    group: "HTTP API",
    default: null,
    reloadable: true,
    bytesMin: 8,
    bytesMax: KEY_BYTES_MAX,
    summary:
      "Key of the tokens (JWT) that the API takes: HS256, HS384 or HS512. 32 random bytes or more; shorter ones are taken, as by Supavisor, with a warning. Without it and without API_JWKS_URL the API refuses everybody. `carpool token` makes a token.",
  }),
  apiJwksUrl: url({
    name: "API_JWKS_URL",
    group: "HTTP API",
    default: null,
    reloadable: true,
    schemes: ["https", "http"],
    range: "https://HOST/PATH (http:// only where nobody can listen)",
    summary:
      "Where the public keys are (JWKS) by which the API verifies tokens of RS256, PS256, ES256, their 384 and 512, and EdDSA.",
  }),
  apiJwtRequireExp: boolean({
    name: "API_JWT_REQUIRE_EXP",
    group: "HTTP API",
    default: "true",
    reloadable: true,
    summary:
      "Whether a token must say when it ends (`exp`). Supavisor takes tokens that never end: switch it off for those.",
  }),
  jwtClaimValidators: jsonObject({
    name: "JWT_CLAIM_VALIDATORS",
    group: "HTTP API",
    default: "{}",
    reloadable: true,
    summary:
      "Claims that a token must have, with their values. Of a claim that is a list, one item must be equal. (Supavisor lets a token pass that lacks the claim.)",
  }),
  apiTokenBlocklist: secretList({
    name: "API_TOKEN_BLOCKLIST",
    group: "HTTP API",
    default: null,
    reloadable: true,
    summary:
      "Tokens that are refused though they are good: each as it is, or as the SHA-256 of it in hexadecimal.",
  }),
  apiRateLimit: count({
    name: "API_RATE_LIMIT",
    group: "HTTP API",
    default: "200",
    reloadable: true,
    min: 1,
    max: 1_000_000,
    zero: "no limit",
    summary:
      "Requests a second, of each token's subject and of each address; more get 429. After a pause, those of one second more pass at once.",
  }),
  apiMaxRequestSizeBytes: bytes({
    name: "API_MAX_REQUEST_SIZE",
    group: "HTTP API",
    default: "16MB",
    reloadable: true,
    min: 1024,
    max: 256 * 1024 ** 2,
    summary:
      "A request's body; larger ones get 413. The default is some three times a tenant with 10 000 users.",
  }),
} as const;

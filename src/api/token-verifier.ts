/**
 * Whether a JWT is good for the API: signed by a key that we trust, in its time, with the claims that are
 * demanded. HS256 and its like are verified by our secret only, the others by public keys only: a token can't
 * choose that a public key, which everybody has, be taken for the secret (RFC 8725, section 2.1).
 */

import { errors, type JWTPayload, type JWTVerifyGetKey, jwtVerify } from "jose";
import type { WallClock } from "../base/wall-clock.ts";
import { fitsClaim } from "./claims.ts";
import { isBlocked } from "./token-blocklist.ts";

/** What is asked of a token. Read at each request, so that a reload holds at once. */
export interface TokenRules {
  /** Key of HS256, HS384 and HS512, or null. */
  readonly secret: string | null;
  /** Finds the public key of a token, or null where none are to be had. Rejects with jose's errors. */
  readonly publicKeys: JWTVerifyGetKey | null;
  readonly requireExp: boolean;
  /** Claims that a token must have, with their values. */
  readonly claims: Readonly<Record<string, unknown>>;
  /** Tokens, or their SHA-256 in hexadecimal. */
  readonly blocklist: readonly string[];
}

/**
 * `invalid`: no token of ours, or no more (401). `forbidden`: a good one that is refused nevertheless (403).
 * `unverifiable`: we can't tell now (503). Reasons hold nothing of the token but names of demanded claims.
 */
export type Verdict =
  | { readonly kind: "accepted"; readonly name: string }
  | { readonly kind: "invalid" | "forbidden" | "unverifiable"; readonly reason: string };

const SECRET_ALGORITHMS = ["HS256", "HS384", "HS512"];
const PUBLIC_ALGORITHMS =
  "RS256 RS384 RS512 PS256 PS384 PS512 ES256 ES384 ES512 EdDSA Ed25519".split(" ");

/** Access tokens have a type of their own (RFC 9068, section 2.1). */
const TOKEN_TYPES = new Set(["jwt", "at+jwt", "application/at+jwt"]);

/** Clocks of two machines that keep time by NTP differ by less. */
const CLOCK_TOLERANCE_SECONDS = 5;

const NAME_CHARACTERS_MAX = 128;
/** What forges log lines: control, format, surrogate and separator characters. */
const UNPRINTABLE = /[\p{C}\p{Zl}\p{Zp}]/gu;

/** Returns what to do with who shows `token`. Never rejects. */
export async function verifyToken(
  token: string,
  rules: TokenRules,
  wallClock: WallClock,
): Promise<Verdict> {
  if (rules.secret === null && rules.publicKeys === null)
    return {
      kind: "unverifiable",
      reason: "the API has no key to verify tokens by: set API_JWT_SECRET or API_JWKS_URL",
    };
  try {
    const payload = await verifiedPayload(token, rules, wallClock);
    return judge(token, payload, rules);
  } catch (error) {
    return refusal(error);
  }
}

async function verifiedPayload(
  token: string,
  rules: TokenRules,
  wallClock: WallClock,
): Promise<JWTPayload> {
  // oxlint-disable-next-line no-restricted-globals -- converts a text and reads no clock
  const currentDate = new Date(wallClock.iso());
  const { payload, protectedHeader } = await jwtVerify(token, keyFinder(rules), {
    algorithms: [
      ...(rules.secret === null ? [] : SECRET_ALGORITHMS),
      ...(rules.publicKeys === null ? [] : PUBLIC_ALGORITHMS),
    ],
    clockTolerance: CLOCK_TOLERANCE_SECONDS,
    currentDate,
    requiredClaims: rules.requireExp ? ["exp"] : [],
  });
  const type: unknown = protectedHeader.typ ?? "JWT";
  if (typeof type !== "string" || !TOKEN_TYPES.has(type.toLowerCase()))
    throw new errors.JWTInvalid("another type of token");
  const issuedAt = payload.iat ?? 0;
  if (issuedAt > currentDate.getTime() / 1000 + CLOCK_TOLERANCE_SECONDS)
    throw new errors.JWTClaimValidationFailed("in the future", payload, "iat", "check_failed");
  return payload;
}

function keyFinder({ secret, publicKeys }: TokenRules): JWTVerifyGetKey {
  return async (header, token) => {
    const isSecret = SECRET_ALGORITHMS.includes(header.alg);
    if (isSecret && secret !== null) return new TextEncoder().encode(secret);
    if (!isSecret && publicKeys !== null) return publicKeys(header, token);
    throw new errors.JOSEAlgNotAllowed("no key for it");
  };
}

function judge(token: string, payload: JWTPayload, { blocklist, claims }: TokenRules): Verdict {
  if (isBlocked(token, blocklist)) return { kind: "forbidden", reason: "the token is blocked" };
  const misfit = Object.entries(claims).find(([name, value]) => !fitsClaim(payload[name], value));
  if (misfit === undefined) return { kind: "accepted", name: nameOf(payload) };
  const wrong = Object.hasOwn(payload, misfit[0]) ? "has another value than" : "lacks what";
  return {
    kind: "forbidden",
    reason: `the token's claim ${misfit[0]} ${wrong} JWT_CLAIM_VALIDATORS demands`,
  };
}

/** Who shows the token, for the audit log. */
function nameOf({ sub, iss }: JWTPayload): string {
  const name = [sub, iss].find((claim) => typeof claim === "string" && claim !== "") ?? "token";
  return name.slice(0, NAME_CHARACTERS_MAX).replaceAll(UNPRINTABLE, "?");
}

function refusal(error: unknown): Verdict {
  if (error instanceof errors.JWKSTimeout) return { kind: "unverifiable", reason: NO_KEYS };
  if (error instanceof errors.JWTExpired) return invalid("the token has expired");
  if (error instanceof errors.JWTClaimValidationFailed) return invalid(claimReason(error));
  if (error instanceof errors.JWSSignatureVerificationFailed)
    return invalid("the token is not signed by our key");
  if (error instanceof errors.JWKSNoMatchingKey)
    return invalid("the token is signed by a key that API_JWKS_URL does not have");
  if (error instanceof errors.JWKSMultipleMatchingKeys)
    return invalid("the token does not say which key of API_JWKS_URL has signed it (kid)");
  if (error instanceof errors.JOSEAlgNotAllowed)
    return invalid("the token is signed by an algorithm that is not taken");
  if (error instanceof errors.JWTInvalid || error instanceof errors.JWSInvalid)
    return invalid("the token is no JWT");
  if (error instanceof errors.JOSENotSupported)
    return invalid("the token asks for what is not supported");
  // Whatever else comes from where the public keys are.
  return { kind: "unverifiable", reason: NO_KEYS };
}

const NO_KEYS = "the keys of API_JWKS_URL are not to be had now";

function claimReason({ claim, reason }: errors.JWTClaimValidationFailed): string {
  if (claim === "exp" && reason === "missing")
    return "the token does not say when it ends (exp), as API_JWT_REQUIRE_EXP demands";
  if (claim === "nbf" && reason === "check_failed") return "the token is not good yet (nbf)";
  if (claim === "iat" && reason === "check_failed") return "the token is from the future (iat)";
  return "a time in the token is no number of seconds";
}

function invalid(reason: string): Verdict {
  return { kind: "invalid", reason };
}

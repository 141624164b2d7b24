/**
 * Who may ask: `Authorization: Bearer TOKEN`, as RFC 6750 says. 401 for who shows no good token, 403 for who
 * shows one that is refused nevertheless.
 */

import type { MiddlewareHandler } from "hono";
import type { WallClock } from "../base/wall-clock.ts";
import type { ApiEnvironment } from "./environment.ts";
import type { RequestLimits } from "./request-limits.ts";
import { RequestRefused } from "./request-refused.ts";
import { type TokenRules, type Verdict, verifyToken } from "./token-verifier.ts";

export interface AuthenticationParts {
  /** As they hold now. */
  readonly tokenRules: () => TokenRules;
  readonly wallClock: WallClock;
  readonly limits: RequestLimits;
}

const BEARER = /^bearer +(.+)$/i;
const REALM = 'Bearer realm="carpool"';

/** Keys that can't be had now are asked for again so soon. */
const RETRY_SECONDS = 5;

/** Returns what stands before every route that is not for everybody; it sets the request's actor. */
export function authenticate(parts: AuthenticationParts): MiddlewareHandler<ApiEnvironment> {
  const { tokenRules, wallClock, limits } = parts;
  return async (context, next) => {
    const address = context.env.clientAddress;
    const token = bearerToken(context.req.header("authorization"));
    const verdict = token === null ? NO_TOKEN : await verifyToken(token, tokenRules(), wallClock);
    if (verdict.kind !== "accepted") {
      if (verdict.kind !== "unverifiable") limits.countFailure(address);
      throw refusal(verdict, token !== null);
    }
    limits.countSubject(verdict.name);
    context.set("actor", { name: verdict.name, address });
    await next();
  };
}

const NO_TOKEN: Verdict = {
  kind: "invalid",
  reason: "a token is needed: Authorization: Bearer TOKEN (`carpool token` makes one)",
};

/**
 * Returns the token, or null. As with Supavisor it may be URL-encoded and have white space in it: what is
 * pasted into the configuration of some program often has.
 */
function bearerToken(header: string | undefined): string | null {
  const shown = BEARER.exec(header ?? "")?.[1];
  return shown === undefined ? null : decoded(shown).replaceAll(/\s/g, "");
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

function refusal(
  verdict: Exclude<Verdict, { kind: "accepted" }>,
  shownToken: boolean,
): RequestRefused {
  const { kind, reason } = verdict;
  if (kind === "forbidden") return new RequestRefused(403, reason);
  if (kind === "unverifiable")
    return new RequestRefused(503, reason, { "Retry-After": String(RETRY_SECONDS) });
  // Who has shown none is told no error code (RFC 6750, section 3.1).
  const challenge = `${REALM}, error="invalid_token", error_description="${reason}"`;
  return new RequestRefused(401, reason, { "WWW-Authenticate": shownToken ? challenge : REALM });
}

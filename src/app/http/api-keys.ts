/**
 * The public keys by which the API verifies tokens, from the place that API_JWKS_URL names.
 */

import { createRemoteJWKSet, type JWTVerifyGetKey } from "jose";

/** Who shows a token waits for it. */
const FETCH_TIMEOUT_MS = 5000;
/** A key that is new is known after at most this, and tokens of unknown keys can't make us ask more often. */
const COOLDOWN_MS = 30_000;
/** A key that was taken out is good no longer than this. */
const CACHE_MAX_AGE_MS = 600_000;

export class ApiKeys {
  #url: string | null = null;
  #keys: JWTVerifyGetKey | null = null;

  /** Returns the keys at `url`, which are fetched when a token first needs them; the same until the URL changes. */
  at(url: string | null): JWTVerifyGetKey | null {
    if (url === this.#url) return this.#keys;
    this.#url = url;
    this.#keys = url === null ? null : remoteKeys(url);
    return this.#keys;
  }
}

function remoteKeys(url: string): JWTVerifyGetKey {
  return createRemoteJWKSet(new URL(url), {
    timeoutDuration: FETCH_TIMEOUT_MS,
    cooldownDuration: COOLDOWN_MS,
    cacheMaxAge: CACHE_MAX_AGE_MS,
  });
}

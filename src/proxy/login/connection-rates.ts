/**
 * How many logins a tenant may begin in a second: a bucket of tokens for each, full at first, that fills
 * at the tenant's rate and holds one second's worth.
 */

import type { Clock } from "../../base/clock.ts";
import { LruMap } from "../../base/lru-map.ts";
import { PoolerError } from "../../base/pooler-error.ts";
import { SQLSTATE } from "../../base/sqlstate.ts";
import type { StoredTenant } from "../../tenants/tenant.ts";

/** The tenant's clients log in faster than they may. */
export class ConnectionRateError extends PoolerError {
  constructor(rate: number, waitMs: number) {
    super({
      severity: "FATAL",
      sqlstate: SQLSTATE.too_many_connections,
      message: "too many logins at a time",
      detail: `max_connection_rate is ${rate} logins in a second; there is room for the next one in ${Math.ceil(waitMs)} ms.`,
      hint: "Keep connections open for longer, or raise max_connection_rate of the tenant.",
    });
  }
}

interface Bucket {
  tokens: number;
  atMs: number;
}

/** A bucket that is forgotten counts as full, and it is full a second after its last login. */
const BUCKETS_MAX = 10_000;

const SECOND_MS = 1000;

export class ConnectionRates {
  readonly #clock: Clock;
  readonly #buckets = new LruMap<string, Bucket>(BUCKETS_MAX);

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** A login begins. Throws a {@link ConnectionRateError} where there were too many of late; then it counts for nothing. */
  take({ external_id: tenant, max_connection_rate: rate }: StoredTenant): void {
    const waitMs = rate === null ? 0 : this.ask(tenant, rate);
    if (rate !== null && waitMs > 0) throw new ConnectionRateError(rate, waitMs);
  }

  /** As {@link take}, but returns for how long there is no room; 0: it is taken. */
  ask(tenant: string, rate: number): number {
    const nowMs = this.#clock.now();
    const bucket = this.#buckets.get(tenant) ?? { tokens: rate, atMs: nowMs };
    const filled = bucket.tokens + ((nowMs - bucket.atMs) * rate) / SECOND_MS;
    bucket.tokens = Math.min(rate, filled);
    bucket.atMs = nowMs;
    this.#buckets.set(tenant, bucket);
    if (bucket.tokens < 1) return ((1 - bucket.tokens) * SECOND_MS) / rate;
    bucket.tokens -= 1;
    return 0;
  }
}

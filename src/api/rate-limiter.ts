/**
 * How often somebody may ask: a bucket for each, which fills at an even pace and holds a burst
 * (the generic cell rate algorithm of ITU-T I.371: one number for each).
 */

import type { Clock } from "../base/clock.ts";
import { LruMap } from "../base/lru-map.ts";

export interface Rate {
  readonly perSecond: number;
  /** Most that is saved up. At least 1. */
  readonly burst: number;
}

export class RateLimiter {
  readonly #clock: Clock;
  /** When the bucket of each is full again, by the clock. */
  readonly #fullAtMs: LruMap<string, number>;

  /** @param keysMax who asked longest ago is forgotten beyond that, and so has a full bucket again */
  constructor(clock: Clock, keysMax: number) {
    this.#clock = clock;
    this.#fullAtMs = new LruMap(keysMax);
  }

  /** Returns 0 and counts the request, or returns in how many milliseconds to ask again. */
  take(key: string, { perSecond, burst }: Rate): number {
    const now = this.#clock.now();
    const intervalMs = 1000 / perSecond;
    const fullAtMs = Math.max(now, this.#fullAtMs.get(key) ?? now) + intervalMs;
    const waitMs = fullAtMs - now - burst * intervalMs;
    if (waitMs > 0) return Math.ceil(waitMs);
    this.#fullAtMs.set(key, fullAtMs);
    return 0;
  }
}

/**
 * The attempts of several pools to open resources in one place, which may be slow or away. Few at a
 * time as long as none has succeeded, more with each that does, as TCP's slow start does; after a
 * failure one by one, with pauses that all pools share.
 */

import type { PoolerError } from "../base/pooler-error.ts";
import type { Random } from "../base/random.ts";
import type { PoolLimits } from "./pool-limits.ts";
import { RetryBackoff } from "./retry-backoff.ts";

/** May be changed while it works. */
export interface AttemptLimits {
  /** Attempts at a time, before one of them has succeeded. */
  readonly unprovenAttemptsMax: number;
  /** Nobody waits any more once attempts have failed for so long. */
  readonly failFastAfterMs: number;
}

export class SharedAttempts {
  readonly #limits: AttemptLimits;
  readonly #backoff: RetryBackoff;
  #underWay = 0;
  /** Successes since none was under way. */
  #successes = 0;
  /** Since when there are attempts, and none succeeds. */
  #vainSinceMs = 0;
  #error: PoolerError | null = null;

  constructor(limits: AttemptLimits, random: Random) {
    this.#limits = limits;
    this.#backoff = new RetryBackoff(random);
  }

  /** Whether the latest outcome was a failure. */
  get failing(): boolean {
    return this.#backoff.failing;
  }

  /** Why the latest attempt failed; null once one has succeeded. */
  get error(): PoolerError | null {
    return this.#error;
  }

  /** Before this time no attempt starts. -Infinity while none has failed. */
  get retryAtMs(): number {
    return this.#backoff.retryAtMs;
  }

  /** From when on nobody is to wait for an attempt; Infinity while none has failed. */
  get failFastAtMs(): number {
    return this.failing
      ? this.#vainSinceMs + this.#limits.failFastAfterMs
      : Number.POSITIVE_INFINITY;
  }

  /** Whether an outcome is to be expected: one is under way, or the next may start. */
  expectsOutcome(nowMs: number): boolean {
    return this.#underWay > 0 || nowMs >= this.#backoff.retryAtMs;
  }

  /** Whether one more may start. */
  mayBegin(nowMs: number): boolean {
    if (this.failing) return this.#underWay === 0 && nowMs >= this.#backoff.retryAtMs;
    return this.#underWay < this.#limits.unprovenAttemptsMax + this.#successes;
  }

  /** How many more may start. */
  left(nowMs: number): number {
    if (this.failing) return this.mayBegin(nowMs) ? 1 : 0;
    return Math.max(0, this.#limits.unprovenAttemptsMax + this.#successes - this.#underWay);
  }

  begin(nowMs: number): void {
    if (this.#underWay === 0 && !this.failing) this.#vainSinceMs = nowMs;
    this.#underWay += 1;
  }

  /** One ended, and showed that the other side is there. */
  answered(nowMs: number): void {
    this.#successes += 1;
    this.#vainSinceMs = nowMs;
    this.#error = null;
    this.#backoff.succeeded();
    this.#end();
  }

  /** One ended, as any other would have. */
  failed(nowMs: number, error: PoolerError, limits: PoolLimits): void {
    this.#successes = 0;
    this.#error = error;
    this.#backoff.failed(nowMs, limits);
    this.#end();
  }

  /** What is opened is to be found in another place from now on: what failed says nothing about it. */
  moved(): void {
    this.#error = null;
    this.#backoff.succeeded();
  }

  #end(): void {
    this.#underWay -= 1;
    if (this.#underWay === 0) this.#successes = 0;
  }
}

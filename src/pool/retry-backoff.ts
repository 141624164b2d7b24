/**
 * When the next attempt may start after some have failed: the pause doubles from failure to failure
 * and is spread at random. Knows nothing of what is attempted.
 */

import type { Random } from "../base/random.ts";
import { withJitter } from "./jitter.ts";
import type { PoolLimits } from "./pool-limits.ts";

/** Half of a pause is fixed and half random ("equal jitter"): never nearly no pause at all. */
const SPREAD = 0.5;

/** The shortest pause and the longest. */
export type RetryLimits = Pick<PoolLimits, "retryMinMs" | "retryMaxMs">;

export class RetryBackoff {
  readonly #random: Random;
  #failures = 0;
  #retryAtMs = Number.NEGATIVE_INFINITY;

  constructor(random: Random) {
    this.#random = random;
  }

  /** Whether the latest outcome was a failure. Then attempts go one by one. */
  get failing(): boolean {
    return this.#failures > 0;
  }

  /** Before this time no attempt starts. -Infinity while none has failed. */
  get retryAtMs(): number {
    return this.#retryAtMs;
  }

  /**
   * Begins the next pause. Attempts that started together fail together: those that end during a
   * pause neither prolong it nor double the next.
   */
  failed(nowMs: number, limits: RetryLimits): void {
    if (nowMs < this.#retryAtMs) return;
    const wholeMs = Math.min(limits.retryMaxMs, limits.retryMinMs * 2 ** this.#failures);
    this.#failures += 1;
    this.#retryAtMs = nowMs + withJitter(this.#random, wholeMs, SPREAD);
  }

  /** Someone was told of the failure: the next attempt is their answer, so it may start at once. */
  answered(): void {
    this.#retryAtMs = Number.NEGATIVE_INFINITY;
  }

  /** Forgets all failures. */
  succeeded(): void {
    this.#failures = 0;
    this.#retryAtMs = Number.NEGATIVE_INFINITY;
  }
}

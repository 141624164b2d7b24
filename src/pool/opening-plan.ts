/**
 * How many resources one pool should open now, and when to look again. It opens none itself.
 */

import type { Random } from "../base/random.ts";
import type { PoolGroup } from "./pool-group.ts";
import type { PoolLimits } from "./pool-limits.ts";
import type { Refusals } from "./refusals.ts";
import { RetryBackoff } from "./retry-backoff.ts";
import type { SlotTable } from "./slot-table.ts";
import type { Waiters } from "./waiter.ts";

export class OpeningPlan<R> {
  /** For failures that say nothing about other pools' attempts. */
  readonly backoff: RetryBackoff;
  readonly #slots: SlotTable<R>;
  readonly #waiters: Waiters<R>;
  readonly #refusals: Refusals<R>;
  readonly #group: PoolGroup;

  constructor(
    slots: SlotTable<R>,
    waiters: Waiters<R>,
    refusals: Refusals<R>,
    group: PoolGroup,
    random: Random,
  ) {
    this.backoff = new RetryBackoff(random);
    this.#slots = slots;
    this.#waiters = waiters;
    this.#refusals = refusals;
    this.#group = group;
  }

  /** Returns how many attempts more there should be, as far as this pool knows. */
  wanted(limits: PoolLimits, nowMs: number): number {
    return nowMs < this.backoff.retryAtMs ? 0 : this.#missing(limits, nowMs);
  }

  /** Whether the first waiter has waited long enough for the reserve. */
  usesReserve(limits: PoolLimits, nowMs: number): boolean {
    return nowMs >= this.reserveDueMs(limits);
  }

  /** When the reserve is used; Infinity if nobody waits or there is none. */
  reserveDueMs({ reserve, reserveAfterMs }: PoolLimits): number {
    const first = this.#waiters.first;
    if (first === null || reserve === 0) return Number.POSITIVE_INFINITY;
    return this.#refusals.sinceMs(first) + reserveAfterMs;
  }

  /** When a pause is over after which there is an attempt. Infinity: there is none, or the group says whose turn it is. */
  retryDueMs(limits: PoolLimits, nowMs: number): number {
    const dueMs = Math.max(this.backoff.retryAtMs, this.#group.attempts.retryAtMs);
    return dueMs > nowMs && this.#missing(limits, nowMs) > 0 ? dueMs : Number.POSITIVE_INFINITY;
  }

  /**
   * One for each waiter that nobody is coming for, or for what is to be kept open; after a failure of the
   * pool's own, one to try the ground. Those included for which it is too early.
   */
  #missing(limits: PoolLimits, nowMs: number): number {
    const { opening, taken, living } = this.#slots;
    const missing = Math.max(this.#waiters.size, limits.sizeMin - living);
    const useful = this.backoff.failing ? Math.min(1, missing) : missing;
    return Math.max(0, Math.min(this.#sizeAt(limits, nowMs) - taken, useful - opening));
  }

  /** How many slots there may be at that time: with the reserve, once the first waiter has waited long enough. */
  #sizeAt(limits: PoolLimits, nowMs: number): number {
    return this.usesReserve(limits, nowMs) ? limits.size + limits.reserve : limits.size;
  }
}

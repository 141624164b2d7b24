/**
 * The limits of one pool. Times are in milliseconds; Infinity stands for "never".
 */

import { assert } from "../base/assert.ts";

/** Which idle resource is lent first: the one idle for longest, or the one used last. */
export type LendingOrder = "fifo" | "lifo";

export interface PoolLimits {
  /** Slots at most: opening, idle, active and closing resources together. At least 1. */
  readonly size: number;
  /** With `lifo` few resources do all the work and the others end by their idle timeout; `fifo` spreads it. */
  readonly lendingOrder: LendingOrder;
  /** Resources that are kept open, whether anybody wants them or not. */
  readonly sizeMin: number;
  /** Slots beyond `size`, for waiters that have waited for `reserveAfterMs`. */
  readonly reserve: number;
  readonly reserveAfterMs: number;
  /** How long anyone waits for a resource. */
  readonly checkoutTimeoutMs: number;
  /** How long anyone waits while nothing in the pool is alive, as when the database is down. */
  readonly connectDeadlineMs: number;
  /** How long a resource stays idle before it is retired. */
  readonly idleTimeoutMs: number;
  /** How long a resource is used at all; a tenth is taken off at random, so that they don't all end at once. */
  readonly lifetimeMs: number;
  /** The pause after the first failed attempt. Each further one doubles it. */
  readonly retryMinMs: number;
  /** The longest pause between two attempts. */
  readonly retryMaxMs: number;
}

/** Asserts what the pool relies on. Settings are validated long before, in words for people. */
export function assertPoolLimits(limits: PoolLimits): void {
  assert(Number.isInteger(limits.size), "a pool's size is a whole number");
  assert(limits.size >= 1, "a pool has room for one resource or more");
  assert(limits.sizeMin >= 0 && limits.sizeMin <= limits.size, "what is kept open has its room");
  assert(Number.isInteger(limits.reserve) && limits.reserve >= 0, "a reserve is a whole number");
  assert(limits.reserveAfterMs >= 0, "the reserve waits for some time or none");
  assert(limits.checkoutTimeoutMs > 0, "a checkout may take some time");
  assert(limits.connectDeadlineMs > 0, "a connection attempt may take some time");
  assert(limits.idleTimeoutMs > 0, "a resource may be idle for some time");
  assert(limits.lifetimeMs > 0, "a resource may live for some time");
  assert(limits.retryMinMs > 0, "a retry waits for some time");
  assert(limits.retryMaxMs >= limits.retryMinMs, "the longest retry pause is not below the first");
}

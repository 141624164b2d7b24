/**
 * What can be counted about a pool at any moment, at no cost.
 */

export interface PoolCounts {
  /** Slots at most. */
  readonly size: number;
  /** Attempts under way. */
  readonly opening: number;
  readonly idle: number;
  /** Lent. */
  readonly active: number;
  /** No longer lent, not yet closed. */
  readonly closing: number;
  /** Waiters in the queue. */
  readonly waiting: number;
}

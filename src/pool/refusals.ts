/**
 * When who waits at a pool is told that it waits in vain, and why.
 */

import type { PoolerError } from "../base/pooler-error.ts";
import { CheckoutTimeoutError } from "./checkout-timeout-error.ts";
import { ConnectDeadlineError } from "./connect-deadline-error.ts";
import type { GroupMember } from "./group-member.ts";
import type { PoolCounts } from "./pool-counts.ts";
import type { PoolGroup } from "./pool-group.ts";
import type { PoolLimits } from "./pool-limits.ts";
import type { SlotTable } from "./slot-table.ts";

/** Where attempts have failed for long, the next outcome is waited for as long as this: more than a good one takes. */
const OUTCOME_WAIT_MS = 1000;

/** The waiter, as far as it matters here. */
interface Waiting {
  readonly ticket: number;
  readonly waitingSinceMs: number;
}

export class Refusals<R> {
  readonly #slots: SlotTable<R>;
  readonly #group: PoolGroup;
  readonly #pool: PoolCounts & GroupMember;
  /** Waiters up to this ticket are refused with #openError. */
  #refusedTicket = 0;
  /** Why the pool's latest attempt failed; null once one has succeeded. */
  #openError: PoolerError | null = null;
  /** Nobody's time runs while the pool is paused. */
  #resumedAtMs = Number.NEGATIVE_INFINITY;

  constructor(slots: SlotTable<R>, group: PoolGroup, pool: PoolCounts & GroupMember) {
    this.#slots = slots;
    this.#group = group;
    this.#pool = pool;
  }

  get openError(): PoolerError | null {
    return this.#openError;
  }

  opened(): void {
    this.#openError = null;
  }

  openFailed(error: PoolerError): void {
    this.#openError = error;
  }

  /** All who wait now, up to `ticket`, are to hear of the latest failure. */
  refuseUpTo(ticket: number): void {
    this.#refusedTicket = ticket;
  }

  /** The time of all who wait begins anew. */
  resumed(nowMs: number): void {
    this.#resumedAtMs = nowMs;
  }

  /** Why `waiter` must not wait any longer, or null. */
  of(waiter: Waiting, limits: PoolLimits, nowMs: number): PoolerError | null {
    const openError = this.#openError;
    if (openError !== null && waiter.ticket <= this.#refusedTicket) return openError;
    if (nowMs < this.dueMs(waiter, limits, nowMs)) return null;
    const reason = openError ?? this.#group.attempts.error;
    if (reason !== null && this.#slots.living === 0) return reason;
    const { checkoutTimeoutMs, connectDeadlineMs } = limits;
    return nowMs < this.sinceMs(waiter) + checkoutTimeoutMs
      ? new ConnectDeadlineError(connectDeadlineMs)
      : new CheckoutTimeoutError(checkoutTimeoutMs, this.#pool, {
          openError: reason,
          taken: this.#group.taken,
          max: this.#group.max,
          areElsewhere: this.#group.awaitsPermit(this.#pool),
        });
  }

  /** When `waiter` is refused. Never earlier for a later waiter: so looking at the first is enough. */
  dueMs(waiter: Waiting, limits: PoolLimits, nowMs: number): number {
    const sinceMs = this.sinceMs(waiter);
    const checkoutDueMs = sinceMs + limits.checkoutTimeoutMs;
    const { living, opening, lifelessSinceMs } = this.#slots;
    if (living > 0) return checkoutDueMs;
    const dueMs = Math.min(checkoutDueMs, this.#failFastDueMs(sinceMs, nowMs));
    // It waits for others to give up what they have: nobody knows whether an attempt would succeed.
    if (opening === 0 && this.#group.lacksRoom(this.#pool)) return dueMs;
    return Math.min(dueMs, Math.max(sinceMs, lifelessSinceMs) + limits.connectDeadlineMs);
  }

  /** Since when `waiter`'s time runs. */
  sinceMs({ waitingSinceMs }: Waiting): number {
    return Math.max(waitingSinceMs, this.#resumedAtMs);
  }

  #failFastDueMs(sinceMs: number, nowMs: number): number {
    const { attempts } = this.#group;
    const waitMs = attempts.expectsOutcome(nowMs) ? OUTCOME_WAIT_MS : 0;
    return Math.max(attempts.failFastAtMs, sinceMs + waitMs);
  }
}

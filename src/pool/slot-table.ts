/**
 * The slots of one pool: how many are in each state, and which resources are idle. It decides
 * nothing and calls nobody.
 */

import { AssertionError, assert } from "../base/assert.ts";
import { FifoQueue } from "../base/fifo-queue.ts";
import type { LendingOrder } from "./pool-limits.ts";
import type { PoolSlot } from "./pool-slot.ts";
import { LEGAL_MOVES, type SlotState } from "./slot-state.ts";

/** How many idle resources are looked at for a preference: enough to find one's own, few enough to be free. */
const CANDIDATES_MAX = 8;

export class SlotTable<R> {
  #idleTimeoutMs: number;
  /** `gone` counts all that ever were. */
  readonly #counts: Record<SlotState, number> = {
    opening: 0,
    idle: 0,
    active: 0,
    closing: 0,
    gone: 0,
  };
  /** The least recently used one first. */
  readonly #idle = new FifoQueue<PoolSlot<R>>();
  #idleDueMs = Number.POSITIVE_INFINITY;
  #lifelessSinceMs: number;

  constructor(idleTimeoutMs: number, nowMs: number) {
    this.#idleTimeoutMs = idleTimeoutMs;
    this.#lifelessSinceMs = nowMs;
  }

  get opening(): number {
    return this.#counts.opening;
  }

  get idle(): number {
    return this.#counts.idle;
  }

  get active(): number {
    return this.#counts.active;
  }

  get closing(): number {
    return this.#counts.closing;
  }

  /** Idle and active: what shows that the other side answers. */
  get living(): number {
    return this.#counts.idle + this.#counts.active;
  }

  /** All but `gone`. */
  get taken(): number {
    return this.#counts.opening + this.living + this.#counts.closing;
  }

  /** Since when nothing is living. Meaningful while nothing is. */
  get lifelessSinceMs(): number {
    return this.#lifelessSinceMs;
  }

  /** Before this time no idle slot is due to be retired. */
  get idleDueMs(): number {
    return this.#idleDueMs;
  }

  /** The idle slot that was not used for the longest time, or null. */
  get leastRecent(): PoolSlot<R> | null {
    return this.#idle.first;
  }

  /** Returns how many are idle since `beforeMs` or longer. */
  restedSince(beforeMs: number): number {
    let count = 0;
    for (let slot = this.#idle.first; slot !== null; slot = slot.next) {
      if (slot.sinceMs > beforeMs) return count;
      count += 1;
    }
    return count;
  }

  /** Holds also for what is idle already: it is looked at again by the next {@link findOverdue}. */
  changeIdleTimeout(idleTimeoutMs: number): void {
    if (idleTimeoutMs === this.#idleTimeoutMs) return;
    this.#idleTimeoutMs = idleTimeoutMs;
    this.#idleDueMs = Number.NEGATIVE_INFINITY;
  }

  /** Takes a slot for a resource that is not there yet. */
  beginAttempt(): void {
    this.#counts.opening += 1;
  }

  /** Gives back the slot of an attempt that came to nothing. */
  endAttempt(): void {
    assert(this.#counts.opening > 0, "an attempt is under way");
    this.#counts.opening -= 1;
  }

  /** The one place where a slot changes its state, its list and the counts. */
  enter(slot: PoolSlot<R>, state: SlotState, nowMs: number): void {
    const from = slot.state;
    if (!LEGAL_MOVES[from].includes(state))
      throw new AssertionError(`a resource does not go from ${from} to ${state}`);
    assert(this.#counts[from] > 0, "the slot was counted");
    if (from === "idle") {
      this.#idle.remove(slot);
      slot.restedMs = nowMs - slot.sinceMs;
    }
    this.#counts[from] -= 1;
    this.#counts[state] += 1;
    slot.state = state;
    slot.sinceMs = nowMs;
    if (state === "idle") this.#rest(slot);
    else if (this.living === 0) this.#lifelessSinceMs = nowMs;
  }

  /** The first idle slot in that order that `prefers` names, or else the very first. Null: none is idle. */
  pick(waiter: { prefers(resource: R): boolean }, order: LendingOrder): PoolSlot<R> | null {
    const oldestFirst = order === "fifo";
    const first = oldestFirst ? this.#idle.first : this.#idle.last;
    let slot = first;
    for (let left = CANDIDATES_MAX; slot !== null && left > 0; left -= 1) {
      if (waiter.prefers(slot.resource)) return slot;
      slot = oldestFirst ? slot.next : slot.previous;
    }
    return first;
  }

  /**
   * An idle slot that has rested too long or whose lifetime is over, or null. Visits idle slots only
   * if one was due at the time it came to rest; those that rest longest come first.
   * @param keepsResting no slot may go for having rested, only for its age
   */
  findOverdue(nowMs: number, keepsResting: boolean): PoolSlot<R> | null {
    if (nowMs < this.#idleDueMs) return null;
    let dueMs = Number.POSITIVE_INFINITY;
    for (let slot = this.#idle.first; slot !== null; slot = slot.next) {
      if (nowMs >= slot.expiresAtMs) return slot;
      let endsMs = this.#restEndsMs(slot);
      if (nowMs >= endsMs && !keepsResting) return slot;
      if (nowMs >= endsMs) endsMs = Math.min(nowMs + this.#idleTimeoutMs, slot.expiresAtMs);
      dueMs = Math.min(dueMs, endsMs);
    }
    this.#idleDueMs = dueMs;
    return null;
  }

  #rest(slot: PoolSlot<R>): void {
    this.#idle.push(slot);
    this.#idleDueMs = Math.min(this.#idleDueMs, this.#restEndsMs(slot));
  }

  #restEndsMs(slot: PoolSlot<R>): number {
    return Math.min(slot.sinceMs + this.#idleTimeoutMs, slot.expiresAtMs);
  }
}

/**
 * What a pool keeps about one resource, carried by the resource itself: so every verb is O(1) and
 * no map stands between a server and its state.
 */

import type { FifoLinks } from "../base/fifo-queue.ts";
import type { SlotState } from "./slot-state.ts";

/** What a pool can lend. Its constructor makes the slot: `readonly slot = new PoolSlot(this)`. */
export interface PoolResource<R> {
  readonly slot: PoolSlot<R>;
}

/** Read by anyone, written by the resource's pool only. */
export class PoolSlot<R> implements FifoLinks<PoolSlot<R>> {
  readonly resource: R;
  /** The pool that counts it: null until the pool was told that it is open. */
  pool: object | null = null;
  state: SlotState = "opening";
  /** When `state` was entered, by the pool's clock. */
  sinceMs = 0;
  /** How long it had been idle when it was lent last. */
  restedMs = 0;
  /** When it was opened, by the pool's clock. */
  openedAtMs = 0;
  /** When its lifetime is over, by the pool's clock; Infinity while it has none. */
  expiresAtMs = Number.POSITIVE_INFINITY;
  queue: object | null = null;
  previous: PoolSlot<R> | null = null;
  next: PoolSlot<R> | null = null;

  constructor(resource: R) {
    this.resource = resource;
  }
}

/**
 * Who waits at one pool, in the order in which they came.
 */

import { FifoQueue } from "../base/fifo-queue.ts";
import type { Waiter, Waiters } from "./waiter.ts";

export class WaitingLine<R> implements Waiters<R> {
  /** Has no limit of its own: a client waits once at a time, and clients are limited. */
  readonly #queue = new FifoQueue<Waiter<R>>();
  #lastTicket = 0;

  get size(): number {
    return this.#queue.size;
  }

  get first(): Waiter<R> | null {
    return this.#queue.first;
  }

  /** When the first one came; Infinity if nobody waits. */
  get oldestSinceMs(): number {
    return this.#queue.first?.waitingSinceMs ?? Number.POSITIVE_INFINITY;
  }

  /** Of the one that came last, whether it still waits or not. All later ones have higher tickets. */
  get lastTicket(): number {
    return this.#lastTicket;
  }

  /** `waiter`, which stands in no line, stands behind all others from now on. */
  join(waiter: Waiter<R>, nowMs: number): void {
    this.#lastTicket += 1;
    waiter.ticket = this.#lastTicket;
    waiter.waitingSinceMs = nowMs;
    this.#queue.push(waiter);
  }

  /** `waiter`, which stands here, waits no more. */
  leave(waiter: Waiter<R>): void {
    this.#queue.remove(waiter);
  }
}

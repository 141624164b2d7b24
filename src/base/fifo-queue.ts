/**
 * A first-in-first-out queue with O(1) removal from anywhere, as intrusive links.
 * An item is in at most one queue at a time: it carries the links itself.
 */

import { assert } from "./assert.ts";

/** What an item must carry to stand in a {@link FifoQueue}. Only the queue writes these fields. */
export interface FifoLinks<T> {
  queue: object | null;
  previous: T | null;
  next: T | null;
}

export class FifoQueue<T extends FifoLinks<T>> {
  #first: T | null = null;
  #last: T | null = null;
  #size = 0;

  get size(): number {
    return this.#size;
  }

  /** Returns the item that has waited longest, or null. The queue keeps it. */
  get first(): T | null {
    return this.#first;
  }

  /** Returns the item that came last, or null. The queue keeps it. */
  get last(): T | null {
    return this.#last;
  }

  /** Puts `item` behind all others. It must stand in no queue. */
  push(item: T): void {
    assert(item.queue === null, "an item stands in one queue at a time");
    item.queue = this;
    item.previous = this.#last;
    item.next = null;
    if (this.#last === null) this.#first = item;
    else this.#last.next = item;
    this.#last = item;
    this.#size += 1;
  }

  /** Takes the item that has waited longest, or returns null. */
  shift(): T | null {
    const item = this.#first;
    if (item !== null) this.remove(item);
    return item;
  }

  /** Takes `item` out, wherever it stands. It must stand in this queue. */
  remove(item: T): void {
    assert(item.queue === this, "the item stands in this queue");
    if (item.previous === null) this.#first = item.next;
    else item.previous.next = item.next;
    if (item.next === null) this.#last = item.previous;
    else item.next.previous = item.previous;
    item.queue = null;
    item.previous = null;
    item.next = null;
    this.#size -= 1;
  }
}

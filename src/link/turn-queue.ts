/**
 * Who sends next while more is to be sent than the link takes: everybody in turn, a piece at a time, those who have
 * little before those who have much. So what is small does not wait behind what is large, however many have
 * something large to send.
 */

import { type FifoLinks, FifoQueue } from "../base/fifo-queue.ts";

/** What one may send at a time, and whoever has no more than that has little. */
export const PIECE_BYTES = 16_384;

/** After so many with little, one with much is served: those wait, but always move. */
const SMALL_IN_A_ROW_MAX = 8;

/** Somebody with something to send. */
export interface Sender extends FifoLinks<Sender> {
  /** How much there is to send. */
  readonly pendingBytes: number;
  /** Sends up to {@link PIECE_BYTES}. Returns whether there is more that may be sent now. */
  sendPiece(): boolean;
}

export class TurnQueue {
  readonly #small = new FifoQueue<Sender>();
  readonly #large = new FifoQueue<Sender>();
  #smallInARow = 0;

  get isEmpty(): boolean {
    return this.#small.size === 0 && this.#large.size === 0;
  }

  /** Without effect where the sender waits already. */
  add(sender: Sender): void {
    if (sender.queue !== null) return;
    const queue = sender.pendingBytes > PIECE_BYTES ? this.#large : this.#small;
    queue.push(sender);
  }

  /** Without effect where the sender does not wait. */
  remove(sender: Sender): void {
    if (sender.queue === this.#small) this.#small.remove(sender);
    else if (sender.queue === this.#large) this.#large.remove(sender);
  }

  /** Lets the next one send a piece; without effect where nobody waits. */
  serve(): void {
    const sender = this.#next();
    if (sender?.sendPiece() === true) this.add(sender);
  }

  #next(): Sender | null {
    const isLargeNext = this.#smallInARow >= SMALL_IN_A_ROW_MAX && this.#large.size > 0;
    if (isLargeNext || this.#small.size === 0) {
      this.#smallInARow = 0;
      return this.#large.shift();
    }
    this.#smallInARow += 1;
    return this.#small.shift();
  }
}

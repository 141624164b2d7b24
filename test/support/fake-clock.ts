/**
 * A clock that moves only when a test says so. Callbacks run in the order of their due times.
 */

import type { Clock, Timer } from "../../src/base/clock.ts";

interface Due {
  readonly at: number;
  readonly sequence: number;
  readonly run: () => void;
}

export class FakeClock implements Clock {
  readonly #due = new Set<Due>();
  #now = 0;
  #sequence = 0;

  now(): number {
    return this.#now;
  }

  after(delayMs: number, callback: () => void): Timer {
    this.#sequence += 1;
    const due: Due = { at: this.#now + delayMs, sequence: this.#sequence, run: callback };
    this.#due.add(due);
    return { cancel: () => this.#due.delete(due) };
  }

  /** How many callbacks wait. */
  get pending(): number {
    return this.#due.size;
  }

  /** Moves time on by `ms` and runs what falls due on the way. */
  advance(ms: number): void {
    const end = this.#now + ms;
    for (let due = this.#earliest(end); due !== null; due = this.#earliest(end)) {
      this.#due.delete(due);
      this.#now = due.at;
      due.run();
    }
    this.#now = end;
  }

  #earliest(end: number): Due | null {
    let first: Due | null = null;
    for (const due of this.#due) {
      if (due.at > end) continue;
      if (
        first === null ||
        due.at < first.at ||
        (due.at === first.at && due.sequence < first.sequence)
      )
        first = due;
    }
    return first;
  }
}

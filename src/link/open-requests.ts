/**
 * What this side has asked and has had no answer to.
 */

import type { Clock, Timer } from "../base/clock.ts";
import { LinkRequestError } from "./link-errors.ts";

/** More than a worker asks in its busiest second: whoever has so many open is asked in vain. */
const OPEN_MAX = 100_000;

const NUMBERS_END = 0x1_0000_0000;

interface OpenRequest {
  readonly resolve: (answer: unknown) => void;
  readonly reject: (error: LinkRequestError) => void;
  readonly timeout: Timer;
}

export class OpenRequests {
  readonly #clock: Clock;
  readonly #open = new Map<number, OpenRequest>();
  #lastNumber = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Calls `send` with the request's number. The promise is that of the answer. */
  ask(verb: string, timeoutMs: number, send: (number: number) => boolean): Promise<unknown> {
    const { promise, resolve, reject } = Promise.withResolvers<unknown>();
    const number = this.#nextNumber();
    if (this.#open.size >= OPEN_MAX || !send(number)) {
      reject(new LinkRequestError("unsent", `"${verb}" was not sent: too much waits already`));
      return promise;
    }
    const timeout = this.#clock.after(timeoutMs, () => {
      this.#open.delete(number);
      reject(new LinkRequestError("unanswered", `"${verb}" had no answer in ${timeoutMs} ms`));
    });
    this.#open.set(number, { resolve, reject, timeout });
    return promise;
  }

  /** An answer to one that nobody waits for any more is dropped. */
  answered(number: number, answer: unknown): void {
    this.#take(number)?.resolve(answer);
  }

  refused(number: number, why: string): void {
    this.#take(number)?.reject(new LinkRequestError("refused", why));
  }

  /** Nobody will answer. */
  lose(reason: string): void {
    const open = [...this.#open.values()];
    this.#open.clear();
    for (const { reject, timeout } of open) {
      timeout.cancel();
      reject(new LinkRequestError("lost", reason));
    }
  }

  #take(number: number): OpenRequest | undefined {
    const request = this.#open.get(number);
    this.#open.delete(number);
    request?.timeout.cancel();
    return request;
  }

  #nextNumber(): number {
    do this.#lastNumber = (this.#lastNumber + 1) % NUMBERS_END;
    while (this.#open.has(this.#lastNumber));
    return this.#lastNumber;
  }
}

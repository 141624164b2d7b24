/**
 * One client in a closed loop: it sends a request, waits for the whole reply, compares it with the right
 * one, and sends the next. Does no I/O and reads no clock itself.
 */

import type { Exchange } from "../scenarios/scenario.ts";
import { ReplyMatcher } from "./reply-matcher.ts";

export class ClosedLoop {
  readonly #rounds: readonly (readonly Exchange[])[];
  readonly #write: (bytes: Buffer) => void;
  readonly #reply = new ReplyMatcher();

  #round: number;
  #current = 0;

  /** `rounds` take turns from the one numbered `first` on; `write` sends bytes, whole. */
  constructor(rounds: readonly (readonly Exchange[])[], write: (bytes: Buffer) => void, first = 0) {
    this.#rounds = rounds;
    this.#write = write;
    this.#round = first - 1;
  }

  /** Sends the first request of the next round. */
  begin(): void {
    this.#round += 1;
    this.#current = 0;
    this.#send();
  }

  /**
   * Takes what arrived; true once the last reply of the round is complete. A chunk may hold a part
   * of a reply, never more than what is owed. Throws on the first byte that is wrong or surplus.
   */
  receive(chunk: Buffer): boolean {
    if (!this.#reply.receive(chunk)) return false;
    this.#current += 1;
    if (this.#current === this.#exchanges().length) return true;
    this.#send();
    return false;
  }

  #send(): void {
    const exchange = this.#exchanges()[this.#current];
    if (exchange === undefined) throw new Error("a round of a closed loop is empty");
    this.#reply.begin(exchange.reply);
    this.#write(exchange.request);
  }

  #exchanges(): readonly Exchange[] {
    return this.#rounds[this.#round % this.#rounds.length] ?? [];
  }
}

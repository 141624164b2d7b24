/**
 * One client in a closed loop: it sends a request, waits for the whole reply, compares it byte for
 * byte with the right one, and sends the next. Does no I/O and reads no clock itself.
 */

import type { Exchange } from "../scenarios/scenario.ts";
import { describeReply } from "./backend-messages.ts";

export class ClosedLoop {
  readonly #exchanges: readonly Exchange[];
  readonly #write: (bytes: Buffer) => void;

  #current = 0;
  #matchedBytes = 0;

  /** `exchanges` make up one round; `write` sends bytes, whole. */
  constructor(exchanges: readonly Exchange[], write: (bytes: Buffer) => void) {
    this.#exchanges = exchanges;
    this.#write = write;
  }

  /** Sends the first request of a round. */
  begin(): void {
    this.#current = 0;
    this.#send();
  }

  /**
   * Takes what arrived; true once the last reply of the round is complete. A chunk may hold a part
   * of a reply, never more than what is owed. Throws on the first byte that is wrong or surplus.
   */
  receive(chunk: Buffer): boolean {
    const { reply } = this.#exchange();
    const end = this.#matchedBytes + chunk.length;
    if (
      end > reply.length ||
      reply.compare(chunk, 0, chunk.length, this.#matchedBytes, end) !== 0
    ) {
      const whole = Buffer.concat([reply.subarray(0, this.#matchedBytes), chunk]);
      throw new Error(`wrong reply: ${describeReply(whole)}\nexpected: ${describeReply(reply)}`);
    }
    this.#matchedBytes = end;
    if (end < reply.length) return false;
    this.#current += 1;
    if (this.#current === this.#exchanges.length) return true;
    this.#send();
    return false;
  }

  #send(): void {
    this.#matchedBytes = 0;
    this.#write(this.#exchange().request);
  }

  #exchange(): Exchange {
    const exchange = this.#exchanges[this.#current];
    if (exchange === undefined) throw new Error("a reply arrived that nobody asked for");
    return exchange;
  }
}

/**
 * Cuts what a simulated peer reads into whole messages.
 */

import { readInt32 } from "../../src/wire/bytes.ts";
import { joined } from "../session/support/frontend-messages.ts";

const NO_BYTES = new Uint8Array(0);
const LENGTH_FIELD_BYTES = 4;

export class MessageCutter {
  readonly #messageBytesMax: number;
  #input: Uint8Array = NO_BYTES;
  #at = 0;

  constructor(messageBytesMax: number) {
    this.#messageBytesMax = messageBytesMax;
  }

  /** The first byte of the message of which a part is here; null: of none. */
  get typeUnderWay(): number | null {
    return this.#input[this.#at] ?? null;
  }

  push(bytes: Uint8Array): void {
    const whole = this.#at === this.#input.length;
    this.#input = whole ? bytes : joined(this.#input.subarray(this.#at), bytes);
    this.#at = 0;
  }

  /**
   * Takes the next message off, or returns null while it is not whole.
   * @param typeBytes 1; or 0 for a packet of the startup phase
   * @throws when a length is none
   */
  next(typeBytes: 0 | 1): Uint8Array | null {
    const header = typeBytes + LENGTH_FIELD_BYTES;
    if (this.#input.length - this.#at < header) return null;
    const size = typeBytes + readInt32(this.#input, this.#at + typeBytes);
    if (size < header || size > this.#messageBytesMax)
      throw new Error(`a message of ${size} bytes came, which is none`);
    const end = this.#at + size;
    if (end > this.#input.length) return null;
    const start = this.#at;
    this.#at = end;
    if (start === 0 && end === this.#input.length) return this.#input;
    return this.#input.subarray(start, end);
  }
}

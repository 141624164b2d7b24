/**
 * Compares one reply, as its bytes come in, with the only one that is right. Does no I/O.
 *
 * Parts that are known are compared byte for byte. Of a message that varies, its type and length are
 * read and its body is skipped, so whatever stands before and behind it is still checked to the byte.
 */

import type { ReplyPart } from "../scenarios/scenario.ts";
import { describeReply } from "./backend-messages.ts";

const HEADER_BYTES = 5;
/** No reply of a scenario has a longer message that varies: a larger length is a stream out of step. */
const VARYING_BYTES_MAX = 1_000_000;

export class ReplyMatcher {
  #parts: readonly ReplyPart[] = [];
  #index = 0;
  /** How many bytes of the present part have come. */
  #matchedBytes = 0;
  /** Type and length of a message that varies. */
  readonly #header = Buffer.alloc(HEADER_BYTES);

  /** A reply is owed that consists of `parts`. */
  begin(parts: readonly ReplyPart[]): void {
    this.#parts = parts;
    this.#index = 0;
    this.#matchedBytes = 0;
  }

  /** Takes what arrived; true once the reply is complete. Throws on the first byte that is wrong or surplus. */
  receive(chunk: Buffer): boolean {
    let at = 0;
    while (at < chunk.length) {
      const part = this.#parts[this.#index];
      if (part === undefined)
        throw new Error(`surplus bytes: ${describeReply(chunk.subarray(at))}`);
      at = Buffer.isBuffer(part)
        ? this.#matchExact(part, chunk, at)
        : this.#matchVarying(part.type, chunk, at);
    }
    return this.#index === this.#parts.length;
  }

  #matchExact(part: Buffer, chunk: Buffer, at: number): number {
    const length = Math.min(chunk.length - at, part.length - this.#matchedBytes);
    const matchedEnd = this.#matchedBytes + length;
    if (part.compare(chunk, at, at + length, this.#matchedBytes, matchedEnd) !== 0) {
      const before = part.subarray(0, this.#matchedBytes);
      throw wrongReply(Buffer.concat([before, chunk.subarray(at)]), describeReply(part));
    }
    this.#advance(length, part.length);
    return at + length;
  }

  #matchVarying(type: string, chunk: Buffer, from: number): number {
    let at = from;
    while (this.#matchedBytes < HEADER_BYTES) {
      if (at === chunk.length) return at;
      this.#header[this.#matchedBytes] = chunk[at] ?? 0;
      this.#matchedBytes += 1;
      at += 1;
    }
    const messageBytes = 1 + this.#header.readInt32BE(1);
    const rightType = this.#header.toString("latin1", 0, 1) === type;
    if (!rightType || messageBytes < HEADER_BYTES || messageBytes > VARYING_BYTES_MAX) {
      throw wrongReply(Buffer.concat([this.#header, chunk.subarray(at)]), `a message '${type}'`);
    }
    const length = Math.min(chunk.length - at, messageBytes - this.#matchedBytes);
    this.#advance(length, messageBytes);
    return at + length;
  }

  #advance(length: number, partBytes: number): void {
    this.#matchedBytes += length;
    if (this.#matchedBytes < partBytes) return;
    this.#index += 1;
    this.#matchedBytes = 0;
  }
}

function wrongReply(got: Buffer, expected: string): Error {
  return new Error(`wrong reply: ${describeReply(got)}\nexpected: ${expected}`);
}

/**
 * Reads a message's body field by field, checking each before it is read.
 *
 * What it returns is the caller's own: byte arrays are copies, so a kept key or row never holds on
 * to the chunk it came in. The errors are PostgreSQL's (`pqformat.c`).
 */

import { assert } from "../base/assert.ts";
import {
  findNul,
  readByte,
  readInt16,
  readInt32,
  readText,
  readUint16,
  readUint32,
} from "./bytes.ts";
import { ProtocolError } from "./protocol-error.ts";

export class MessageReader {
  readonly #bytes: Uint8Array;
  readonly #end: number;
  #at: number;

  /** Reads `[at, end)` of `bytes`; an `at` behind `end` is an empty body. */
  constructor(bytes: Uint8Array, at: number, end: number) {
    assert(at >= 0 && end <= bytes.length, "the message lies in its chunk");
    this.#bytes = bytes;
    this.#at = at;
    this.#end = end;
  }

  /** Offset of the next field in the array that is read. */
  get at(): number {
    return this.#at;
  }

  /** How many bytes are left. */
  get remaining(): number {
    return this.#end - this.#at;
  }

  byte(): number {
    if (this.remaining < 1) throw new ProtocolError("no data left in message");
    return readByte(this.#bytes, this.#advance(1));
  }

  int16(): number {
    return readInt16(this.#bytes, this.#advance(2));
  }

  uint16(): number {
    return readUint16(this.#bytes, this.#advance(2));
  }

  int32(): number {
    return readInt32(this.#bytes, this.#advance(4));
  }

  uint32(): number {
    return readUint32(this.#bytes, this.#advance(4));
  }

  /** Text up to a zero byte, which is skipped. */
  cstring(): string {
    const start = this.#at;
    const nul = findNul(this.#bytes, start, this.#end);
    if (nul === -1) throw new ProtocolError("invalid string in message");
    this.#at = nul + 1;
    return readText(this.#bytes, start, nul);
  }

  /** A copy of the next `count` bytes. A negative count is refused. */
  bytes(count: number): Uint8Array<ArrayBuffer> {
    const start = this.#advance(count);
    return Uint8Array.from(this.#bytes.subarray(start, this.#at));
  }

  /** A copy of all that is left. */
  rest(): Uint8Array<ArrayBuffer> {
    return this.bytes(Math.max(this.remaining, 0));
  }

  /** An Int32 length and so many bytes, or null where the length is -1. */
  value(): Uint8Array<ArrayBuffer> | null {
    const length = this.int32();
    return length === -1 ? null : this.bytes(length);
  }

  /** Throws unless the body has been read to its last byte. */
  finish(): void {
    if (this.#at !== this.#end) throw new ProtocolError("invalid message format");
  }

  /** Steps over `count` bytes and returns where they begin. */
  #advance(count: number): number {
    if (count < 0 || this.remaining < count) {
      throw new ProtocolError("insufficient data left in message");
    }
    const start = this.#at;
    this.#at = start + count;
    return start;
  }
}

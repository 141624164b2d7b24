/**
 * Cuts a stream of chunks into messages by their headers (Byte1 type, Int32 length), for either side.
 *
 * Messages are handed over as offsets into the chunk they came in; nothing is copied unless a chunk
 * ends inside a header, or inside a message that its handler wants whole. A longer message is handed
 * over as it comes: its first part, then continuations. The handler may stop before a message; the
 * framer keeps the rest until {@link MessageFramer.resume}.
 */

import { assert } from "../base/assert.ts";
import { HEADER_BYTES, LENGTH_FIELD_BYTES } from "../wire/limits.ts";

export interface FrameHandler {
  /**
   * How many bytes of this message (header included) must be there before `onMessage`.
   * Asked again when they are, until it asks for no more than there is.
   */
  neededBytes(
    type: number,
    messageBytes: number,
    bytes: Uint8Array,
    start: number,
    end: number,
  ): number;
  /**
   * One message, or the first part of one, or a run of whole messages of the bulk type.
   * @param end one past the last byte that is there
   * @param messageEnd one past the last byte of the message; above `end` if more is to come
   * @returns false to stop before this message; nothing of it counts as read then
   */
  onMessage(
    type: number,
    bytes: Uint8Array,
    start: number,
    end: number,
    messageEnd: number,
  ): boolean;
  /** More of the message that `onMessage` saw the beginning of. */
  onContinuation(bytes: Uint8Array, start: number, end: number): void;
  /** A length that the protocol or the limit does not allow. The stream cannot be read any further. */
  onMalformed(type: number, messageBytes: number): void;
}

/** Smallest room for bytes that wait for more. */
const CARRY_BYTES_MIN = 64;

export class MessageFramer {
  readonly #handler: FrameHandler;
  readonly #messageBytesMax: number;
  readonly #bulkType: number;
  /** Bytes of the present message that are still to come. */
  #remaining = 0;
  /** The beginning of a message that waits for more bytes, and how many it waits for. */
  #carry: Uint8Array | null = null;
  #carryLength = 0;
  #carryNeeded = 0;
  /** What is left of a chunk before whose next message the handler stopped. */
  #rest: Uint8Array | null = null;
  #restStart = 0;
  #malformed = false;

  /** @param bulkType messages of this type come in runs where several whole ones stand together */
  constructor(handler: FrameHandler, messageBytesMax: number, bulkType: number) {
    this.#handler = handler;
    this.#messageBytesMax = messageBytesMax;
    this.#bulkType = bulkType;
  }

  /** Whether the handler stopped: {@link resume} goes on. */
  get stopped(): boolean {
    return this.#rest !== null;
  }

  /** Whether a message is under way: some of its bytes came, some are to come. */
  get insideMessage(): boolean {
    return this.#remaining > 0;
  }

  /** How many bytes of the message under way are still to come. */
  get remainingBytes(): number {
    return this.#remaining;
  }

  /** How many bytes are kept here. */
  get heldBytes(): number {
    return this.#carryLength + (this.#rest === null ? 0 : this.#rest.length - this.#restStart);
  }

  /** How much too long a message of that length is, for who is told; undefined: its length is not the reason. */
  excess(messageBytes: number): string | undefined {
    const max = this.#messageBytesMax;
    if (messageBytes <= max) return undefined;
    return `A message of ${messageBytes} bytes came; MAX_MESSAGE_SIZE is ${max} bytes.`;
  }

  /** Reads a chunk. While stopped, it is put behind what waits. */
  feed(chunk: Uint8Array): void {
    if (this.#malformed) return;
    if (this.#rest !== null) {
      this.#rest = joined(this.#rest, this.#restStart, this.#rest.length, chunk);
      this.#restStart = 0;
      return;
    }
    if (this.#carry === null) this.#read(chunk, 0);
    else this.#feedCarry(this.#carry, chunk);
  }

  /** Goes on where the handler stopped. */
  resume(): void {
    const rest = this.#rest;
    assert(rest !== null, "the framer has stopped");
    this.#rest = null;
    this.#read(rest, this.#restStart);
  }

  /** Takes what is kept here, to be read by somebody else. Null where there is nothing. */
  takeHeld(): Uint8Array | null {
    const held =
      this.#rest?.subarray(this.#restStart) ?? this.#carry?.subarray(0, this.#carryLength) ?? null;
    this.#rest = null;
    this.#carry = null;
    this.#carryLength = 0;
    return held;
  }

  #feedCarry(carry: Uint8Array, chunk: Uint8Array): void {
    const length = this.#carryLength + chunk.length;
    if (length < this.#carryNeeded) {
      this.#carry = appended(carry, this.#carryLength, chunk, this.#carryNeeded);
      this.#carryLength = length;
      return;
    }
    const whole = joined(carry, 0, this.#carryLength, chunk);
    this.#carry = null;
    this.#carryLength = 0;
    this.#read(whole, 0);
  }

  #read(bytes: Uint8Array, from: number): void {
    const handler = this.#handler;
    const available = bytes.length;
    let at = from;
    if (this.#remaining > 0) at = this.#continue(bytes, at);
    while (at < available) {
      if (available - at < HEADER_BYTES) return this.#keep(bytes, at, HEADER_BYTES);
      const type = bytes[at] ?? 0;
      let messageEnd = at + 1 + lengthAt(bytes, at + 1);
      const messageBytes = messageEnd - at;
      if (messageBytes < HEADER_BYTES || messageBytes > this.#messageBytesMax) {
        this.#malformed = true;
        return handler.onMalformed(type, messageBytes);
      }
      let end = messageEnd;
      if (messageEnd > available) {
        const needed = handler.neededBytes(type, messageBytes, bytes, at, available);
        if (needed > available - at) return this.#keep(bytes, at, needed);
        end = available;
      } else if (type === this.#bulkType) {
        messageEnd = this.#endOfRun(bytes, messageEnd);
        end = messageEnd;
      }
      if (!handler.onMessage(type, bytes, at, end, messageEnd)) {
        this.#rest = bytes;
        this.#restStart = at;
        return;
      }
      this.#remaining = messageEnd - end;
      at = end;
    }
  }

  #continue(bytes: Uint8Array, at: number): number {
    const end = Math.min(at + this.#remaining, bytes.length);
    this.#remaining -= end - at;
    this.#handler.onContinuation(bytes, at, end);
    return end;
  }

  /** Returns where the run of whole bulk messages ends that goes on at `at`. */
  #endOfRun(bytes: Uint8Array, from: number): number {
    const last = bytes.length - HEADER_BYTES;
    let at = from;
    while (at <= last && bytes[at] === this.#bulkType) {
      const length = lengthAt(bytes, at + 1);
      const next = at + 1 + length;
      if (length < LENGTH_FIELD_BYTES || length >= this.#messageBytesMax || next > bytes.length)
        break;
      at = next;
    }
    return at;
  }

  #keep(bytes: Uint8Array, at: number, needed: number): void {
    this.#carryLength = bytes.length - at;
    this.#carryNeeded = needed;
    this.#carry = bytes.slice(at);
  }
}

/** The Int32 at `at`. A negative length reads as negative, and is refused. */
function lengthAt(bytes: Uint8Array, at: number): number {
  return (
    ((bytes[at] ?? 0) << 24) |
    ((bytes[at + 1] ?? 0) << 16) |
    ((bytes[at + 2] ?? 0) << 8) |
    (bytes[at + 3] ?? 0)
  );
}

/** Appends in place where there is room; else in twice the room, never more than is needed. */
function appended(
  carry: Uint8Array,
  length: number,
  chunk: Uint8Array,
  needed: number,
): Uint8Array {
  let room = carry;
  if (room.length < length + chunk.length) {
    const wanted = Math.max(CARRY_BYTES_MIN, 2 * (length + chunk.length));
    room = new Uint8Array(Math.max(length + chunk.length, Math.min(wanted, needed)));
    room.set(carry.subarray(0, length));
  }
  room.set(chunk, length);
  return room;
}

function joined(first: Uint8Array, start: number, end: number, second: Uint8Array): Uint8Array {
  const whole = new Uint8Array(end - start + second.length);
  whole.set(first.subarray(start, end));
  whole.set(second, end - start);
  return whole;
}

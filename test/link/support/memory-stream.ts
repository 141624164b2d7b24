/**
 * Two channels that are the ends of one stream in memory. Nothing moves by itself: whoever tests says how many bytes
 * go over, in which direction, and when the stream breaks, at any byte.
 */

import type { Channel, ChannelHandler } from "../../../src/net/channel.ts";

const IDLE: ChannelHandler = { onBytes() {}, onDrained() {}, onClosed() {} };

export class MemoryStream {
  readonly one: StreamEnd;
  readonly other: StreamEnd;

  /** @param roomBytes what is taken of a write before it counts as held */
  constructor(roomBytes = 262_144) {
    this.one = new StreamEnd(roomBytes);
    this.other = new StreamEnd(roomBytes);
    this.one.peer = this.other;
    this.other.peer = this.one;
  }

  /** Both ends are gone, with what is under way. */
  break(): void {
    this.one.destroy();
    this.other.destroy();
  }
}

export class StreamEnd implements Channel {
  handler: ChannelHandler = IDLE;
  insideMessage = false;
  readonly outlivesHolder = false;
  /** As a test says. */
  brokeOff = false;
  peer: StreamEnd | null = null;
  /** How often was written to it. */
  writes = 0;
  readonly #roomBytes: number;
  readonly #chunks: Uint8Array[] = [];
  #underWay = 0;
  #isHolding = false;
  #paused = false;
  #closed = false;
  #ending = false;

  constructor(roomBytes: number) {
    this.#roomBytes = roomBytes;
  }

  /** What was written and has not come out at the other end. */
  get underWayBytes(): number {
    return this.#underWay;
  }

  get pendingBytes(): number {
    return Math.max(0, this.#underWay - this.#roomBytes);
  }

  get closed(): boolean {
    return this.#closed || this.#ending;
  }

  /** Whether `move` would do anything. */
  get canMove(): boolean {
    if (this.#closed || this.peer === null || this.peer.#closed) return false;
    return this.#ending ? true : this.#underWay > 0 && !this.peer.#paused;
  }

  write(bytes: Uint8Array, start: number, end: number): boolean {
    if (this.closed) return true;
    this.writes += 1;
    if (end > start) this.#chunks.push(bytes.slice(start, end));
    this.#underWay += end - start;
    this.#isHolding = this.#underWay > this.#roomBytes;
    return !this.#isHolding;
  }

  /** Lets up to `bytesMax` go over, as one chunk. Returns how many did. */
  move(bytesMax: number): number {
    const peer = this.peer;
    if (peer === null || !this.canMove) return 0;
    if (this.#underWay === 0) {
      this.#finish();
      return 0;
    }
    const chunk = this.#take(bytesMax);
    peer.#receive(chunk);
    if (this.#isHolding && this.#underWay <= this.#roomBytes && !this.#closed) {
      this.#isHolding = false;
      this.handler.onDrained();
    }
    return chunk.length;
  }

  probeAfter(): void {}
  askUnanswered(): void {}
  rest(): void {}
  keepTicket(): void {}

  pause(): void {
    this.#paused = true;
  }

  resume(): void {
    this.#paused = false;
  }

  close(): void {
    this.#ending = true;
  }

  hangUp(): void {
    this.close();
  }

  destroy(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.handler.onClosed();
  }

  #receive(chunk: Uint8Array): void {
    if (!this.closed) this.handler.onBytes(chunk);
  }

  #finish(): void {
    this.destroy();
    this.peer?.destroy();
  }

  #take(bytesMax: number): Uint8Array {
    const taken: Uint8Array[] = [];
    let room = bytesMax;
    while (room > 0) {
      const first = this.#chunks.shift();
      if (first === undefined) break;
      taken.push(first.subarray(0, room));
      if (first.length > room) this.#chunks.unshift(first.subarray(room));
      room -= Math.min(room, first.length);
    }
    const chunk = new Uint8Array(Buffer.concat(taken));
    this.#underWay -= chunk.length;
    return chunk;
  }
}

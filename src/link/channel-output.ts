/**
 * What leaves one end of a channel: at once while there is credit and room, else from a tail, in its turn.
 * It owns copies of the bytes that wait.
 */

import { HeldTail } from "../net/held-tail.ts";
import { type Carrier, WINDOW_BYTES } from "./carrier.ts";
import { DATA_BYTES_MAX, FRAME } from "./frame.ts";
import { LinkProtocolError } from "./link-errors.ts";
import { PIECE_BYTES, type Sender } from "./turn-queue.ts";

/** No frame can be changed any more. */
const NONE = -1;

const NOTHING = new Uint8Array(0);

/** Who is told when a tail has left. */
export interface OutputOwner {
  /** May write again, also from inside. */
  onTailLeft(): void;
}

export class ChannelOutput implements Sender {
  queue: object | null = null;
  previous: Sender | null = null;
  next: Sender | null = null;
  readonly #number: number;
  readonly #carrier: Carrier;
  readonly #owner: OutputOwner;
  #credit = WINDOW_BYTES;
  #tail: HeldTail | null = null;
  #written = 0;
  /** The writer's last word on it, and what the last frame said. */
  #insideMessage = false;
  #saidInside = false;
  /** Where the last frame stands, and in front of which flush: until then it can be changed. */
  #lastFrame = 0;
  #lastFlush = NONE;

  constructor(number: number, carrier: Carrier, owner: OutputOwner) {
    this.#number = number;
    this.#carrier = carrier;
    this.#owner = owner;
  }

  /** How many bytes were written, modulo 2^32. */
  get written(): number {
    return this.#written;
  }

  get pendingBytes(): number {
    return this.#tail === null ? 0 : this.#tail.length;
  }

  get insideMessage(): boolean {
    return this.#insideMessage;
  }

  /** Says so behind what was written: in its last frame while that is here, else in one of its own. */
  set insideMessage(isInside: boolean) {
    this.#insideMessage = isInside;
    if (this.#tail !== null || isInside === this.#saidInside) return;
    const { writer } = this.#carrier;
    if (this.#lastFlush === writer.flushes) {
      writer.changeKind(this.#lastFrame, isInside ? FRAME.dataInside : FRAME.data);
      this.#saidInside = isInside;
    } else this.#send(NOTHING, 0, 0, isInside);
  }

  /** As {@link Channel.write}. */
  write(bytes: Uint8Array, start: number, end: number): boolean {
    this.#written = (this.#written + end - start) >>> 0;
    if (this.#tail !== null) {
      this.#tail.append(bytes, start, end);
      return false;
    }
    const at = this.#sendNow(bytes, start, end);
    if (at === end) return true;
    this.#tail = new HeldTail(bytes, at, end);
    if (this.#credit > 0) this.#carrier.queueUp(this);
    return false;
  }

  /**
   * The other side takes so many bytes more.
   * @throws LinkProtocolError where that is more than it was sent
   */
  addCredit(bytes: number): void {
    this.#credit += bytes;
    if (this.#credit > WINDOW_BYTES) throw new LinkProtocolError("more credit than a window came");
    if (this.#tail !== null) this.#carrier.queueUp(this);
  }

  sendPiece(): boolean {
    const tail = this.#tail;
    if (tail === null) return false;
    tail.flushTo({
      write: (bytes, offset, length) => this.#sendOfTail(bytes, offset, length),
    });
    if (tail.length > 0) return this.#credit > 0;
    this.#tail = null;
    this.#owner.onTailLeft();
    return false; // what was written from inside has queued up by itself
  }

  /** Forgets the tail: nothing will be sent any more. */
  drop(): void {
    this.#tail = null;
    this.#carrier.leaveQueue(this);
  }

  /** Sends what may leave at once: no more than a piece where others wait. Returns where the rest begins. */
  #sendNow(bytes: Uint8Array, start: number, end: number): number {
    const most = this.#carrier.contended ? PIECE_BYTES : this.#credit;
    const stop = Math.min(end, start + most, start + this.#credit);
    let at = start;
    while (at < stop && !this.#carrier.congested) {
      const to = Math.min(stop, at + DATA_BYTES_MAX);
      this.#send(bytes, at, to, to < end || this.#insideMessage);
      at = to;
    }
    return at;
  }

  #sendOfTail(bytes: Uint8Array, offset: number, length: number): number {
    const sent = Math.min(length, PIECE_BYTES, this.#credit);
    this.#send(bytes, offset, offset + sent, sent < length || this.#insideMessage);
    return sent;
  }

  #send(bytes: Uint8Array, start: number, end: number, isInside: boolean): void {
    const { writer } = this.#carrier;
    this.#credit -= end - start;
    this.#saidInside = isInside;
    const kind = isInside ? FRAME.dataInside : FRAME.data;
    this.#lastFrame = writer.frame(this.#number, kind, bytes, start, end);
    this.#lastFlush = writer.flushes;
  }
}

/**
 * The way of requests, answers and notices: at once where there is room, else as a stream of their own, sent a piece
 * at a time between the channels' bytes, so that a list of some megabytes delays nobody.
 * They arrive in the order in which they were sent.
 */

import { HeldTail } from "../net/held-tail.ts";
import type { Carrier } from "./carrier.ts";
import { FRAME, HEADER_BYTES, writeHeader } from "./frame.ts";
import { PIECE_BYTES, type Sender } from "./turn-queue.ts";

/** Two answers of the largest size. Whoever lets more gather does not read. */
const LANE_BYTES_MAX = 33_554_432;

export class BodyLane implements Sender {
  queue: object | null = null;
  previous: Sender | null = null;
  next: Sender | null = null;
  readonly #carrier: Carrier;
  #tail: HeldTail | null = null;

  constructor(carrier: Carrier) {
    this.#carrier = carrier;
  }

  get pendingBytes(): number {
    return this.#tail === null ? 0 : this.#tail.length;
  }

  /** Sends a frame. Returns false where too much waits already: then it is not sent. */
  send(number: number, kind: number, payload: Uint8Array): boolean {
    const { length } = payload;
    if (this.#tail === null && !this.#carrier.congested && length <= PIECE_BYTES) {
      this.#carrier.writer.frame(number, kind, payload, 0, length);
      return true;
    }
    if (this.pendingBytes + length > LANE_BYTES_MAX) return false;
    this.#hold(number, kind, payload);
    this.#carrier.queueUp(this);
    return true;
  }

  sendPiece(): boolean {
    const tail = this.#tail;
    if (tail === null) return false;
    tail.flushTo({
      write: (bytes, offset, length) => {
        const sent = Math.min(length, PIECE_BYTES);
        this.#carrier.writer.frame(0, FRAME.lane, bytes, offset, offset + sent);
        return sent;
      },
    });
    if (tail.length > 0) return true;
    this.#tail = null;
    return false;
  }

  #hold(number: number, kind: number, payload: Uint8Array): void {
    const header = new Uint8Array(HEADER_BYTES);
    writeHeader(header, 0, number, kind, payload.length);
    if (this.#tail === null) this.#tail = new HeldTail(header, 0, HEADER_BYTES);
    else this.#tail.append(header, 0, HEADER_BYTES);
    this.#tail.append(payload, 0, payload.length);
  }
}

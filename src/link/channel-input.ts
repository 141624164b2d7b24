/**
 * What comes in for one end of a channel: handed on at once, or kept until its holder wants it.
 * Of what the holder has not taken, never more than a window is under way or here. It owns copies of what waits.
 */

import { HeldTail } from "../net/held-tail.ts";
import { type Carrier, type Delivery, WINDOW_BYTES } from "./carrier.ts";
import { FRAME } from "./frame.ts";
import { LinkProtocolError } from "./link-errors.ts";

/** So much is given back at a time: small queries cost no credit. */
const CREDIT_BYTES = WINDOW_BYTES / 2;

/** Up to this length a copy costs less than a view, and keeps no chunk alive (60 bytes: 36 ns against 47, Bun 1.4.5). */
const COPIED_BYTES_MAX = 256;

/** Who gets the bytes. */
export interface InputOwner {
  /** The array is the receiver's to keep. Returns whether more may come. */
  onInput(bytes: Uint8Array): boolean;
  /** What waited has been delivered. */
  onAllRead(): void;
}

export class ChannelInput implements Delivery {
  readonly #number: number;
  readonly #carrier: Carrier;
  readonly #owner: InputOwner;
  #paused = false;
  #unread: HeldTail | null = null;
  #deliveryDue = false;
  #delivered = 0;
  /** What the other side may still send. */
  #allowance = WINDOW_BYTES;
  /** What was delivered since credit was given. */
  #uncredited = 0;

  constructor(number: number, carrier: Carrier, owner: InputOwner) {
    this.#number = number;
    this.#carrier = carrier;
    this.#owner = owner;
  }

  /** How many bytes the holder has been given, modulo 2^32. */
  get delivered(): number {
    return this.#delivered;
  }

  get hasUnread(): boolean {
    return this.#unread !== null;
  }

  /**
   * `bytes[start, end)` came; a part of a chunk that nobody writes to.
   * @throws LinkProtocolError where they are more than a window
   */
  receive(bytes: Uint8Array, start: number, end: number): void {
    const length = end - start;
    if (length === 0) return;
    this.#allowance -= length;
    if (this.#allowance < 0) throw new LinkProtocolError("more bytes than a window came");
    if (this.#unread !== null) this.#unread.append(bytes, start, end);
    else if (this.#paused) this.#unread = new HeldTail(bytes, start, end);
    else
      this.#handOver(
        length <= COPIED_BYTES_MAX ? bytes.slice(start, end) : bytes.subarray(start, end),
      );
  }

  pause(): void {
    this.#paused = true;
  }

  /** What has waited comes when the turn ends: never from inside this call. */
  resume(): void {
    if (!this.#paused) return;
    this.#paused = false;
    if (this.#unread === null) this.#giveCredit();
    else this.#deliverSoon();
  }

  deliver(): void {
    this.#deliveryDue = false;
    if (!this.#paused) this.deliverUnread();
  }

  /** Whether paused or not. */
  deliverUnread(): void {
    const unread = this.#unread;
    if (unread === null) return;
    this.#unread = null;
    unread.flushTo({
      write: (bytes, offset, length) => {
        this.#handOver(bytes.subarray(offset, offset + length));
        return length;
      },
    });
    this.#owner.onAllRead();
  }

  /** Forgets what waits. */
  drop(): void {
    this.#unread = null;
  }

  #deliverSoon(): void {
    if (this.#deliveryDue) return;
    this.#deliveryDue = true;
    this.#carrier.deliverSoon(this);
  }

  #handOver(bytes: Uint8Array): void {
    this.#delivered = (this.#delivered + bytes.length) >>> 0;
    this.#uncredited += bytes.length;
    if (this.#owner.onInput(bytes) && !this.#paused) this.#giveCredit();
  }

  /** Not while paused: the holder has not got rid of what it was given last. */
  #giveCredit(): void {
    if (this.#uncredited < CREDIT_BYTES) return;
    this.#carrier.writer.number(this.#number, FRAME.credit, this.#uncredited);
    this.#allowance += this.#uncredited;
    this.#uncredited = 0;
  }
}

/**
 * When a client is read on: as long as what it sends has somewhere to go, and it reads what it is sent.
 * So its memory here is bounded, whatever it does.
 */

import type { Channel } from "../../net/channel.ts";
import type { FrontendRelay } from "../../session/relay/frontend-relay.ts";
import { STOP } from "../../session/relay/relay-owner.ts";

/** What a client's bytes may take while they wait; then it is read no more. */
const HELD_BYTES_MAX = 65_536;

/** The same for replies that it does not read: some come from no server that could be paused. */
const UNREAD_BYTES_MAX = 65_536;

export class ClientFlow {
  readonly #channel: Channel;
  readonly #relay: FrontendRelay;
  /** The server takes no more bytes for now. */
  #serverBlocked = false;
  /** What the client sent before it was told that it is in: nothing of it is answered until then. */
  #early: Uint8Array | null = null;

  constructor(channel: Channel, relay: FrontendRelay) {
    this.#channel = channel;
    this.#relay = relay;
  }

  /** Keeps bytes of a client that is not in yet. */
  keepEarly(bytes: Uint8Array): void {
    this.#early = this.#early === null ? bytes : Buffer.concat([this.#early, bytes]);
  }

  /** Returns what was kept, once; null where there is nothing. */
  takeEarly(): Uint8Array | null {
    const early = this.#early;
    this.#early = null;
    return early;
  }

  /** The server holds bytes of the client back. {@link regulate} follows. */
  block(): void {
    this.#serverBlocked = true;
  }

  /** No server holds bytes of the client back any more. */
  unblock(): void {
    if (!this.#serverBlocked) return;
    this.#serverBlocked = false;
    this.regulate();
  }

  /** Lets the client be read on, or not. */
  regulate(): void {
    if (this.#mayRead) this.#channel.resume();
    else this.#channel.pause();
  }

  get #mayRead(): boolean {
    // What the relay holds while nothing stops it is the beginning of a message that it needs whole.
    const waits = this.#relay.stop !== STOP.none;
    return (
      !this.#serverBlocked &&
      !(waits && this.#relay.heldBytes > HELD_BYTES_MAX) &&
      !(this.#early !== null && this.#early.length > HELD_BYTES_MAX) &&
      this.#channel.pendingBytes <= UNREAD_BYTES_MAX
    );
  }
}

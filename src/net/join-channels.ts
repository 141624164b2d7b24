/**
 * Two channels made one: what comes from either goes to the other, at the pace that it takes it.
 */

import type { Channel, ChannelHandler } from "./channel.ts";

/** Joins them until one of them ends, which ends the other. */
export function joinChannels(one: Channel, other: Channel): void {
  one.handler = new JoinedSide(one, other);
  other.handler = new JoinedSide(other, one);
  one.resume();
  other.resume();
}

class JoinedSide implements ChannelHandler {
  readonly #own: Channel;
  readonly #peer: Channel;

  constructor(own: Channel, peer: Channel) {
    this.#own = own;
    this.#peer = peer;
  }

  onBytes(bytes: Uint8Array): void {
    if (!this.#peer.write(bytes, 0, bytes.length)) this.#own.pause();
  }

  onDrained(): void {
    this.#peer.resume();
  }

  onClosed(): void {
    this.#peer.close();
  }
}

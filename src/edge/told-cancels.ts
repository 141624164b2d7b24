/**
 * The owner as an edge sees it whose ports were another process's until lately: CancelRequests may be for clients
 * that are still there, so they are told on. Whoever has not given the key does nothing.
 */

import type { Channel } from "../net/channel.ts";
import type { ChannelOpening, ChannelOwner } from "../net/channel-opening.ts";

/** Where else a CancelRequest may belong. */
export type TellCancel = (processId: number, secretKey: Uint8Array) => void;

export class ToldCancels implements ChannelOwner {
  readonly #owner: ChannelOwner;
  readonly #tell: TellCancel;

  constructor(owner: ChannelOwner, tell: TellCancel) {
    this.#owner = owner;
    this.#tell = tell;
  }

  open(channel: Channel, opening: ChannelOpening): void {
    this.#owner.open(channel, opening);
  }

  cancel(processId: number, secretKey: Uint8Array): void {
    this.#owner.cancel(processId, secretKey);
    this.#tell(processId, secretKey);
  }
}

/**
 * A client whose connection another process can go on with, as whoever passes it on sees it: who it is, and when.
 */

import type { Channel } from "./channel.ts";
import { Transport } from "./transport.ts";

export interface MovableClient {
  /** Whose client it is. */
  readonly tenant: string;
  readonly transport: Transport;
  /** Whether {@link ticketNow} may return a ticket, now or when what is under way is over. */
  readonly mayMove: boolean;
  /**
   * Returns all that is known of it, while nothing of it is under way and nothing of it is held here: who has this
   * and the connection goes on with it. Null: not now. Holds in this turn only.
   */
  ticketNow(): string | null;
}

/** Returns the connection of a client; null: it is none that another process could go on with, now or later. */
export function movableConnection(channel: Channel): Transport | null {
  return channel instanceof Transport && channel.tls === null ? channel : null;
}

/**
 * What a link is made of.
 */

import type { Clock } from "../base/clock.ts";
import type { Logger } from "../base/logger.ts";
import type { Channel } from "../net/channel.ts";
import type { LinkHandler, LinkHello } from "./link-port.ts";

/** Who dialled opens channels with even numbers, who accepted with odd ones. */
export type LinkRole = "dialler" | "acceptor";

export interface LinkOptions {
  /** The stream below, just opened: all that comes on it is the link's. */
  readonly channel: Channel;
  readonly role: LinkRole;
  /** Says who we are. */
  readonly hello: LinkHello;
  readonly handler: LinkHandler;
  readonly clock: Clock;
  readonly logger: Logger;
  /** How long the other side may take to say who it is. */
  readonly handshakeTimeoutMs: number;
  /** How many channels may be open at a time; absent: 1 048 576, more than a process has descriptors. */
  readonly channelsMax?: number;
  /** Calls it when all that has come in this turn of the event loop has been handled: `setImmediate`. */
  readonly afterTurn: (callback: () => void) => void;
}

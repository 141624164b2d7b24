/**
 * A link as its channels see it.
 */

import type { Clock } from "../base/clock.ts";
import type { Logger } from "../base/logger.ts";
import type { FrameWriter } from "./frame-writer.ts";
import type { Sender } from "./turn-queue.ts";

/**
 * What may be under way or unread on a channel, each way: with a round trip of a millisecond between nodes, 128 MB/s.
 * Twice as much was no faster between workers (1 GB in 0.25 s of CPU on each side), and is held for each client that
 * does not read.
 * Both sides know it: another one is another version of the protocol.
 */
export const WINDOW_BYTES = 131_072;

/** Something that has bytes for its holder once the turn is over. */
export interface Delivery {
  deliver(): void;
}

export interface Carrier {
  readonly clock: Clock;
  readonly logger: Logger;
  readonly writer: FrameWriter;
  /** Whether nothing may be written now but what is short and must be said. */
  readonly congested: boolean;
  /** Whether somebody waits for a turn. */
  readonly contended: boolean;
  /** Lets it send a piece in its turn. */
  queueUp(sender: Sender): void;
  /** It has nothing to send any more. */
  leaveQueue(sender: Sender): void;
  /** Calls it once, when this turn ends. */
  deliverSoon(delivery: Delivery): void;
  /** Both ends of a channel are over: its number is free. */
  forget(number: number): void;
}

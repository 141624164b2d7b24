/**
 * A link as its users see it: a stream to another worker, on which channels, requests and notices travel.
 * Nothing here says where the other worker is: in this machine or on another node.
 */

import type { Channel } from "../net/channel.ts";

/** Says who one is when a link begins. */
export interface LinkHello {
  /** Of the node in its cluster; 0 alone. */
  readonly node: number;
  /** Of the worker in its node; -1: the supervisor. */
  readonly worker: number;
  /** Another one after each start, so that nobody is taken for who was there before. */
  readonly incarnation: string;
}

/** In which words a channel was ended by the other side: by the call of the same name in {@link Channel}. */
export type ChannelEnding = "close" | "hangUp" | "destroy";

/**
 * The edge's end of a channel whose other end is with an owner, on the far side of the link.
 *
 * When the link breaks, what the owner had sent and a paused end still held comes first, paused or not; then
 * `onClosed`, in which the handler finds here what is left to say and to whom.
 */
export interface EdgeChannel extends Channel {
  /** Whether the link broke. Else it was the owner that ended the channel, in its own words. */
  readonly lost: boolean;
  /** How the owner ended the channel; null: it did not. What it wrote before has all come. */
  readonly ending: ChannelEnding | null;
  /** Whether what came from the owner ends inside a message: nothing can be said behind it. */
  readonly endsInside: boolean;
  /** Whether the owner has answered all that was written here, and nothing of the client is under way. */
  readonly resting: boolean;
  /** By this another owner can take over the client while it is resting; null: nobody can. */
  readonly ticket: string | null;
  /**
   * The client's own connection: what the owner wants probed or asked whether it answers (`probeAfter`,
   * `askUnanswered`) is asked of it. Null: of nobody.
   */
  client: Pick<Channel, "probeAfter" | "askUnanswered" | "pendingBytes"> | null;
}

/** What comes from the other side. The calls come synchronously, one at a time. */
export interface LinkHandler {
  /** The other side has opened a channel here; the handler must be set before this returns. */
  onChannel(channel: Channel, opening: unknown): void;
  /** What it resolves with is the answer, and must be JSON; the text of an error reaches who asked. */
  onRequest(verb: string, body: unknown): Promise<unknown>;
  onNotice(verb: string, body: unknown): void;
  /** The link is gone. Comes once, behind `onClosed` of all its channels and the rejection of all requests. */
  onLost(reason: string): void;
}

export interface LinkPort {
  /** Who is on the other side. */
  readonly peer: LinkHello;
  readonly closed: boolean;
  /**
   * Opens a channel there; bytes may be written at once. On a link that is closed the channel is lost from the
   * beginning: `onClosed` comes in the next turn.
   * @param opening JSON
   */
  open(opening: unknown): EdgeChannel;
  /** Asks the other side. Rejects with a LinkRequestError: it threw, did not answer in time, or the link is gone. */
  request(verb: string, body: unknown, timeoutMs: number): Promise<unknown>;
  /** Tells the other side, in order with other notices and requests; nobody learns whether it came. */
  notify(verb: string, body: unknown): void;
  /**
   * Ends it: what was written leaves as far as the other side reads, and all that depends on the link is told that it
   * is lost, inside the call.
   */
  close(): void;
}

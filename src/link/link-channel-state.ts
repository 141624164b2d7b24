/**
 * The life of one end of a channel, as a table of legal moves.
 */

/**
 * - `open`: bytes go both ways.
 * - `departed`: the other side has ended it, and what it sent before waits here, unread.
 * - `flushing`: ended by us, a tail is still to be sent; input is discarded.
 * - `ended`: our end is sent, the other side's is awaited; input is discarded.
 * - `told`: as `ended`, but the holder has been told that the channel is gone. Its number is still in use.
 * - `gone`: both sides have ended it, or the link is lost; the holder has been told.
 */
export type LinkChannelState = "open" | "departed" | "flushing" | "ended" | "told" | "gone";

const MOVES: Readonly<Record<LinkChannelState, readonly LinkChannelState[]>> = {
  open: ["departed", "flushing", "ended", "told", "gone"],
  departed: ["gone"],
  flushing: ["ended", "told", "gone"],
  ended: ["told", "gone"],
  told: ["gone"],
  gone: [],
};

/** Returns whether an end in state `from` may enter `to`. */
export function mayEnter(from: LinkChannelState, to: LinkChannelState): boolean {
  return MOVES[from].includes(to);
}

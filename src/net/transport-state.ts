/**
 * The life of a transport, as a table of legal moves.
 */

/**
 * - `open`: bytes go both ways.
 * - `securing`: a TLS handshake runs; nothing of ours may be written.
 * - `flushing`: closed by us or by the peer, a tail is still to be sent; input is discarded.
 * - `lingering`: our end of the stream is sent, the peer's is awaited; input is discarded.
 * - `gone`: the socket is closed.
 */
export type TransportState = "open" | "securing" | "flushing" | "lingering" | "gone";

const MOVES: Readonly<Record<TransportState, readonly TransportState[]>> = {
  open: ["securing", "flushing", "lingering", "gone"],
  securing: ["open", "gone"],
  flushing: ["lingering", "gone"],
  lingering: ["gone"],
  gone: [],
};

/** Returns whether a transport in state `from` may enter `to`. */
export function mayEnter(from: TransportState, to: TransportState): boolean {
  return MOVES[from].includes(to);
}

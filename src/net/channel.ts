/**
 * The one interface between whoever moves bytes and whoever means something by them.
 * A local socket ({@link Transport}) is one; a channel of a link between workers is another.
 * Left out: messages, authentication, TLS. Those stand on either side of it.
 */

/** A longer ticket is not kept: see {@link Channel.keepTicket}. In bytes of UTF-8. */
export const TICKET_BYTES_MAX = 131_072;

/** What a {@link Channel} tells its holder. The calls come synchronously, one at a time. */
export interface ChannelHandler {
  /** Bytes of the peer, in order. The chunk is the receiver's to keep; nobody writes to it again. */
  onBytes(bytes: Uint8Array): void;
  /** A write that returned false has left completely. */
  onDrained(): void;
  /** The channel is gone, whatever the reason. Comes exactly once, and nothing comes after it. */
  onClosed(): void;
}

/**
 * A two-way stream of bytes with backpressure.
 * Once {@link close} or {@link destroy} has been called, `onClosed` is the only event left.
 */
export interface Channel {
  /** Who gets the events. May be replaced at any time, also from inside an event. */
  handler: ChannelHandler;

  /**
   * Sends `bytes[start, end)`. Always takes all of it, and copies what it must keep, so the caller
   * may reuse `bytes` at once. Returns true when everything has left, false when a tail is held:
   * then write no more than you must until `onDrained`. After the end it returns true and drops the bytes.
   */
  write(bytes: Uint8Array, start: number, end: number): boolean;

  /** Length of the tail that is held. */
  readonly pendingBytes: number;

  /** True from `close()`, `destroy()` or the peer's departure on: nothing can be sent any more. */
  readonly closed: boolean;

  /** Whether the peer went without the end of its stream: reset, or lost. It wants nothing any more that it asked. */
  readonly brokeOff: boolean;

  /**
   * Has the peer's machine asked whether it is there, at once where it was silent for so long, again after
   * each such silence, and as often where it does not answer. Nothing of it is seen by the peer itself. Without effect where the system can't.
   */
  probeAfter(silentSeconds: number): void;

  /**
   * Asks for how many milliseconds the peer's machine has not answered what was sent to it or asked of it; 0: it
   * owes no answer; null: not known. The answer comes inside the call where the peer is connected to this process,
   * else soon: but not to a question that is asked before the last one has its answer, nor behind the end.
   */
  askUnanswered(onAnswer: (unansweredMs: number | null) => void): void;

  /**
   * Whether what was written ends inside a message, so that nothing else can be said behind it. Its writer says so
   * right behind the write, and again only when it changes. Without effect where nobody else could say anything.
   */
  insideMessage: boolean;

  /** Whether the peer's connection is kept elsewhere, so that it may outlive its holder here. */
  readonly outlivesHolder: boolean;

  /**
   * The peer has been answered all that has come in so far, and nothing of it is under way. Without effect where
   * peer and holder end together.
   */
  rest(): void;

  /**
   * By this another holder can take the peer over while it is at rest: it says all that is known of it here. The
   * last one counts; null: nobody can any more. Without effect where peer and holder end together.
   */
  keepTicket(ticket: string | null): void;

  /** Stops `onBytes`. Idempotent. A paused channel may not notice that its peer has left in good order. */
  pause(): void;

  /** Lets `onBytes` come again. Idempotent. */
  resume(): void;

  /**
   * Ends in good order: sends the tail, then the end of the stream, and waits a bounded time for the
   * peer's own end, while its input is discarded. `onClosed` comes when the channel is really gone.
   */
  close(): void;

  /**
   * As {@link close}, of a peer that has said goodbye in its own protocol: once the tail has left, its end
   * of the stream is not waited for. `onClosed` may come inside the call.
   */
  hangUp(): void;

  /** Ends at once: the tail is dropped and the peer sees a reset. `onClosed` comes inside the call. */
  destroy(): void;
}

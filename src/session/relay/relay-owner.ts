/**
 * What a FrontendRelay and the client session that it belongs to have to say to each other.
 */

/**
 * What the relay tells the client session that it belongs to: once, after everything that came before
 * was passed on. Nothing that comes behind is read.
 */
export interface FrontendRelayEvents {
  /** The client said Terminate. */
  onTerminate(): void;
  /** The client broke the protocol; its connection cannot go on. The texts are for the client. */
  onViolation(reason: string, detail: string | undefined): void;
}

/** How a client's side ends: by a violation, whose text this is, or in good order. */
export interface Ending {
  readonly violation: string | null;
  readonly detail?: string | undefined;
}

/** The client said Terminate. */
export const TERMINATED: Ending = { violation: null };

/** Tells `events` of it. */
export function tellEnding({ violation, detail }: Ending, events: FrontendRelayEvents): void {
  if (violation === null) events.onTerminate();
  else events.onViolation(violation, detail);
}

/** Why the relay stopped. `needsCancelEnd`: a cancel is under way that must not strike what comes now. */
export const STOP = { none: 0, needsServer: 1, needsReplies: 2, needsCancelEnd: 3 } as const;

export interface FrontendLimits {
  /** The longest message, in bytes. */
  readonly messageBytesMax: number;
  /**
   * The longest statement that is kept: its Parse is read whole. A longer one is refused if it is named;
   * if not, it can be bound until its transaction ends.
   */
  readonly statementBytesMax: number;
}

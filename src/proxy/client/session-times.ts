/**
 * How long the clients of one pool may do what. Milliseconds; Infinity is never.
 */

export interface SessionTimes {
  /** Idle, outside a transaction. */
  readonly clientIdleMs: number;
  /** Letting the server wait, inside a transaction. */
  readonly idleTransactionMs: number;
  readonly queryMs: number;
  readonly transactionMs: number;
  /** How long a server may have rested to be lent untried. */
  readonly checkDelayMs: number;
  /** How often it is looked whether an idle client still lives, in seconds; 0: never. */
  readonly heartbeatSeconds: number;
  /** Whether any of the first four is limited. */
  readonly limited: boolean;
}

/** Returns the times where 0 stands for never, but for `checkDelayMs`: there it stands for always. */
export function sessionTimes(times: Omit<SessionTimes, "limited">): SessionTimes {
  const { heartbeatSeconds } = times;
  const { clientIdleMs, idleTransactionMs, queryMs, transactionMs, checkDelayMs } = times;
  return {
    checkDelayMs,
    heartbeatSeconds,
    clientIdleMs: orNever(clientIdleMs),
    idleTransactionMs: orNever(idleTransactionMs),
    queryMs: orNever(queryMs),
    transactionMs: orNever(transactionMs),
    limited: clientIdleMs + idleTransactionMs + queryMs + transactionMs > 0,
  };
}

/** 0 means never. */
export function orNever(milliseconds: number): number {
  return milliseconds === 0 ? Number.POSITIVE_INFINITY : milliseconds;
}

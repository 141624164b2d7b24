/**
 * When one client has taken too long: idle, idle inside a transaction, with a query, with a transaction.
 *
 * What a session does is noted as it happens: a number or two, and one comparison with the time of the
 * alarm that is set already. The alarm rings at the earliest time that could have been due when it was
 * set; only then it is looked what is due now. No timer is made or moved per query.
 */

import type { PoolerError } from "../../base/pooler-error.ts";
import { Alarm, type Ticker } from "../../pool/ticker.ts";
import type { ServerState } from "../../session/server-state.ts";
import { TRANSACTION_STATUS } from "../../wire/backend/ready-for-query.ts";
import type { SessionTimes } from "./session-times.ts";
import {
  IdleClientError,
  IdleTransactionError,
  QueryNotEndedError,
  QueryTimeoutError,
  TransactionTimeoutError,
} from "./timeout-errors.ts";

/** What a session does, as far as it is limited. */
const ACTIVITY = {
  /** It waits for us, as for a server. That has limits of its own. */
  none: 0,
  /** The client has nothing under way. */
  idle: 1,
  /** The server works for the client. */
  query: 2,
  /** The server waits for the client, which holds it. */
  idleTransaction: 3,
  /** The query was cancelled, and is to end. */
  cancelled: 4,
} as const;

/** The session, as far as it is told. What is over is told at most 200 ms late, and never early. */
export interface LimitedSession {
  /** Ends the connection, and says why. */
  end(error: PoolerError): void;
  /** Has PostgreSQL cancel the query, which ends with `error` then. */
  cancelOverdue(error: PoolerError): void;
  /** As `end`, and its server is of no use any more. */
  giveUp(error: PoolerError): void;
}

/** What a session's pool says. */
export interface SessionLimits {
  readonly ticker: Ticker;
  /** Other ones after a reload. */
  readonly times: SessionTimes;
  /** How long a query may go on after its cancel. */
  readonly cancelTimeoutMs: number;
}

export class SessionDeadlines {
  readonly #session: LimitedSession;
  readonly #limits: SessionLimits;
  readonly #ticker: Ticker;
  readonly #alarm: Alarm;
  #activity: number = ACTIVITY.none;
  /** When it began with that. */
  #sinceMs = 0;
  /** When the transaction began; Infinity outside of one. */
  #transactionSinceMs = Number.POSITIVE_INFINITY;
  /** The server's count of ReadyForQuery when it was looked at last. */
  #sequence = 0;
  /** What comes late to a session that has ended, as settings that were being read, sets no alarm. */
  #over = false;

  constructor(session: LimitedSession, limits: SessionLimits) {
    this.#session = session;
    this.#limits = limits;
    this.#ticker = limits.ticker;
    this.#alarm = new Alarm((nowMs) => this.#onRing(nowMs));
  }

  /**
   * The client has nothing under way, from now on: what it sent last asks for nothing.
   * @param nowMs the present, for who knows it: reading the clock is most of what a time limit costs
   */
  idle(nowMs: number | null = null): void {
    const { clientIdleMs } = this.#limits.times;
    this.#transactionSinceMs = Number.POSITIVE_INFINITY;
    this.#activity = ACTIVITY.idle;
    if (clientIdleMs < Number.POSITIVE_INFINITY)
      this.#enter(ACTIVITY.idle, nowMs ?? this.#ticker.nowMs, clientIdleMs);
  }

  /** The client waits for us. */
  waiting(): void {
    this.#activity = ACTIVITY.none;
  }

  /**
   * It has taken a server, which works for it from now on.
   * @param knownMs the present, for who knows it
   */
  taken(state: ServerState, knownMs: number | null): void {
    const nowMs = knownMs ?? this.#ticker.nowMs;
    const { queryMs, transactionMs } = this.#limits.times;
    this.#sequence = state.sequence;
    this.#transactionSinceMs = nowMs;
    this.#enter(ACTIVITY.query, nowMs, Math.min(queryMs, transactionMs));
  }

  /** Bytes went to its server, or came from it. Looks at the clock only where that has changed something. */
  progress(state: ServerState): void {
    const queryEnded = state.sequence !== this.#sequence;
    if (!queryEnded && this.#activity === ACTIVITY.query && !state.clientsTurn) return;
    const activity = activityOf(state);
    if (!queryEnded && this.#goesOn(activity)) {
      // Each piece of a COPY's data is a sign of life.
      if (state.copyingIn) this.#sinceMs = this.#ticker.nowMs;
      return;
    }
    this.#sequence = state.sequence;
    if (activity === ACTIVITY.idle) return this.idle();
    const nowMs = this.#ticker.nowMs;
    const begins = queryEnded && state.status === TRANSACTION_STATUS.Idle;
    if (begins || this.#transactionSinceMs === Number.POSITIVE_INFINITY)
      this.#beginTransaction(nowMs);
    const { queryMs, idleTransactionMs } = this.#limits.times;
    this.#enter(activity, nowMs, activity === ACTIVITY.query ? queryMs : idleTransactionMs);
  }

  /** The session is over. */
  end(): void {
    this.#over = true;
    this.#activity = ACTIVITY.none;
    this.#transactionSinceMs = Number.POSITIVE_INFINITY;
    this.#ticker.silence(this.#alarm);
  }

  #goesOn(activity: number): boolean {
    if (activity === this.#activity) return true;
    return activity === ACTIVITY.query && this.#activity === ACTIVITY.cancelled;
  }

  #beginTransaction(nowMs: number): void {
    this.#transactionSinceMs = nowMs;
    this.#ringBy(nowMs + this.#limits.times.transactionMs);
  }

  #enter(activity: number, nowMs: number, limitMs: number): void {
    this.#activity = activity;
    this.#sinceMs = nowMs;
    this.#ringBy(nowMs + limitMs);
  }

  #ringBy(atMs: number): void {
    if (!this.#over) this.#ticker.ringBy(this.#alarm, atMs);
  }

  #onRing(nowMs: number): void {
    const { transactionMs } = this.#limits.times;
    if (nowMs >= this.#transactionSinceMs + transactionMs)
      return this.#session.end(new TransactionTimeoutError(transactionMs));
    const limitMs = this.#limitMs();
    if (nowMs >= this.#sinceMs + limitMs) return this.#onDue(nowMs, limitMs);
    this.#ringBy(this.#sinceMs + limitMs);
    this.#ringBy(this.#transactionSinceMs + transactionMs);
  }

  /** How long the present activity may last. */
  #limitMs(): number {
    const { clientIdleMs, idleTransactionMs, queryMs } = this.#limits.times;
    switch (this.#activity) {
      case ACTIVITY.idle:
        return clientIdleMs;
      case ACTIVITY.query:
        return queryMs;
      case ACTIVITY.idleTransaction:
        return idleTransactionMs;
      case ACTIVITY.cancelled:
        return this.#limits.cancelTimeoutMs;
      default:
        return Number.POSITIVE_INFINITY;
    }
  }

  #onDue(nowMs: number, limitMs: number): void {
    const session = this.#session;
    const { queryMs, transactionMs } = this.#limits.times;
    switch (this.#activity) {
      case ACTIVITY.idle:
        return session.end(new IdleClientError(limitMs));
      case ACTIVITY.idleTransaction:
        return session.end(new IdleTransactionError(limitMs));
      case ACTIVITY.cancelled:
        return session.giveUp(new QueryNotEndedError(queryMs, limitMs));
      default:
        this.#enter(ACTIVITY.cancelled, nowMs, this.#limits.cancelTimeoutMs);
        this.#ringBy(this.#transactionSinceMs + transactionMs);
        session.cancelOverdue(new QueryTimeoutError(limitMs));
    }
  }
}

function activityOf(state: ServerState): number {
  if (!state.clientsTurn) return ACTIVITY.query;
  return state.clean ? ACTIVITY.idle : ACTIVITY.idleTransaction;
}

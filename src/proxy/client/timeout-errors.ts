/**
 * A client or its query took longer than its limit. The words are PostgreSQL's for its own timeouts.
 */

import { PoolerError } from "../../base/pooler-error.ts";
import { SQLSTATE } from "../../base/sqlstate.ts";

/** As PostgreSQL's idle_session_timeout. */
export class IdleClientError extends PoolerError {
  constructor(timeoutMs: number) {
    super({
      severity: "FATAL",
      sqlstate: SQLSTATE.idle_session_timeout,
      message: "terminating connection due to idle-session timeout",
      detail: `client_idle_timeout is ${timeoutMs} ms.`,
    });
  }
}

/** As PostgreSQL's idle_in_transaction_session_timeout. */
export class IdleTransactionError extends PoolerError {
  constructor(timeoutMs: number) {
    super({
      severity: "FATAL",
      sqlstate: SQLSTATE.idle_in_transaction_session_timeout,
      message: "terminating connection due to idle-in-transaction timeout",
      detail: `idle_transaction_timeout is ${timeoutMs} ms.`,
    });
  }
}

/** As PostgreSQL's transaction_timeout, which ends the session too. */
export class TransactionTimeoutError extends PoolerError {
  constructor(timeoutMs: number) {
    super({
      severity: "FATAL",
      sqlstate: SQLSTATE.transaction_timeout,
      message: "terminating connection due to transaction timeout",
      detail: `transaction_timeout is ${timeoutMs} ms.`,
    });
  }
}

/** As PostgreSQL's statement_timeout, but for the name: who reads the log must know whose limit it was. */
export class QueryTimeoutError extends PoolerError {
  constructor(timeoutMs: number) {
    super({
      severity: "ERROR",
      sqlstate: SQLSTATE.query_canceled,
      message: "canceling statement due to query timeout",
      detail: `query_timeout is ${timeoutMs} ms.`,
    });
  }
}

/** The query went on after it had been cancelled. */
export class QueryNotEndedError extends PoolerError {
  constructor(timeoutMs: number, waitedMs: number) {
    super({
      severity: "FATAL",
      sqlstate: SQLSTATE.query_canceled,
      message: "terminating connection due to query timeout",
      detail: `query_timeout is ${timeoutMs} ms, and ${waitedMs} ms after it was cancelled the query had not ended.`,
    });
  }
}

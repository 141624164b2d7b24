/**
 * How a query of a probe can end other than with rows.
 */

import { PoolerError } from "../../base/pooler-error.ts";
import { SQLSTATE } from "../../base/sqlstate.ts";
import type { ErrorFields } from "../../wire/backend/error-fields.ts";

/** PostgreSQL refused the query: its own words and SQLSTATE. */
export class ProbeQueryError extends PoolerError {
  constructor({ sqlstate, message, detail, hint }: ErrorFields) {
    super({
      severity: "ERROR",
      sqlstate: sqlstate ?? SQLSTATE.internal_error,
      message: message ?? "no reason given",
      detail,
      hint,
    });
  }
}

/** There was no answer in time. */
export class ProbeTimeoutError extends PoolerError {
  constructor(timeoutMs: number) {
    super({
      severity: "FATAL",
      sqlstate: SQLSTATE.query_canceled,
      message: `the server did not answer within ${timeoutMs} ms`,
    });
  }
}

/** The server hung up. */
export class ProbeClosedError extends PoolerError {
  constructor() {
    super({
      severity: "FATAL",
      sqlstate: SQLSTATE.connection_failure,
      message: "the server closed the connection",
    });
  }
}

/** The server did what no PostgreSQL does, or sent more than a probe asks for. */
export class ProbeProtocolError extends PoolerError {
  constructor() {
    super({
      severity: "FATAL",
      sqlstate: SQLSTATE.connection_failure,
      message: "the server's answer is not what PostgreSQL would say",
    });
  }
}

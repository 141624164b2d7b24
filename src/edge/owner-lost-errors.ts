/**
 * What a client is told when the worker that served it is gone, or that should serve it is away.
 */

import { PoolerError } from "../base/pooler-error.ts";
import { SQLSTATE } from "../base/sqlstate.ts";

/** Nothing of the client's was under way, but what it had set up in its session is lost. */
export class OwnerLostError extends PoolerError {
  constructor() {
    super({
      severity: "FATAL",
      sqlstate: SQLSTATE.admin_shutdown,
      message: "terminating connection because a process of the connection pooler has ended",
      detail: "No query of this connection was under way.",
      hint: "Connect again.",
    });
  }
}

/** A query or a transaction was under way, or it is not known that none was. */
export class OwnerLostInTransactionError extends PoolerError {
  constructor() {
    super({
      severity: "FATAL",
      sqlstate: SQLSTATE.connection_failure,
      message: "the process of the connection pooler that served this connection has ended",
      detail:
        "A query or a transaction may have been under way. Whether a commit was carried out is not known.",
      hint: "Connect again, and find out what was done before you repeat it.",
    });
  }
}

/** The worker has not come back within the time that the client has to log in. */
export class OwnerAwayError extends PoolerError {
  constructor(waitedMs: number) {
    super({
      severity: "FATAL",
      sqlstate: SQLSTATE.cannot_connect_now,
      message: "the connection pooler is not yet accepting connections for this tenant",
      detail: `The process that serves the tenant is being started, and was not there after ${Math.round(waitedMs)} ms.`,
      hint: "Try again in a moment.",
    });
  }
}

/** As many clients as may wait for it wait for a worker that is away. */
export class TooManyWaitForOwnerError extends PoolerError {
  constructor(limit: number) {
    super({
      severity: "FATAL",
      sqlstate: SQLSTATE.cannot_connect_now,
      message: "the connection pooler is not yet accepting connections for this tenant",
      detail: `The process that serves the tenant is being started, and ${limit} clients wait for it already.`,
      hint: "Try again in a moment.",
    });
  }
}

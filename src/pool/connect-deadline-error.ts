/**
 * The pool has no living server, and no attempt to open one has ended, well or badly, in time.
 */

import { PoolerError } from "../base/pooler-error.ts";
import { SQLSTATE } from "../base/sqlstate.ts";

/** 08001 in libpq's words: what the client would see if it had dialled the database itself. */
export class ConnectDeadlineError extends PoolerError {
  constructor(deadlineMs: number) {
    super({
      severity: "ERROR",
      sqlstate: SQLSTATE.sqlclient_unable_to_establish_sqlconnection,
      message: "connection to server failed: timeout expired",
      detail: `No server connection was established within ${deadlineMs} ms.`,
      hint: "Is the database server running and reachable from the pooler?",
    });
  }
}

/**
 * Refusals of prepared statements for their memory.
 */

import { PoolerError } from "../base/pooler-error.ts";
import { SQLSTATE } from "../base/sqlstate.ts";

/** A client names more statements than it may. */
export class TooManyStatementsError extends PoolerError {
  constructor(current: number, limit: number) {
    super({
      severity: "ERROR",
      sqlstate: SQLSTATE.configuration_limit_exceeded,
      message: "too many prepared statements",
      detail: `This connection has ${current} prepared statements; the limit is ${limit}.`,
      hint: "Close statements that are no longer needed, or raise MAX_CLIENT_PREPARED_STATEMENTS.",
    });
  }
}

/** The text of a named statement is longer than Carpool keeps. */
export class StatementTooLargeError extends PoolerError {
  constructor(bytes: number, limit: number) {
    super({
      severity: "ERROR",
      sqlstate: SQLSTATE.program_limit_exceeded,
      message: "prepared statement is too large",
      detail: `Its Parse message has ${bytes} bytes; the limit for a named statement is ${limit}.`,
      hint: "Use the unnamed statement for it, or a connection in session mode.",
    });
  }
}

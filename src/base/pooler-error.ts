/**
 * What the outside world did wrong, as PostgreSQL would report it.
 * One subclass per failure, next to the code that detects it; errors are told apart by class or
 * SQLSTATE, never by text.
 */

import type { SqlState } from "./sqlstate.ts";

/** FATAL ends the connection; ERROR ends the statement (and fails its transaction). */
export type Severity = "ERROR" | "FATAL";

/** The parts of an ErrorResponse that a client may see, and a text that only the log gets. */
export interface PoolerErrorFields {
  readonly severity: Severity;
  readonly sqlstate: SqlState;
  /** For the client: no other tenant, address or secret in it. PostgreSQL's wording where it has one. */
  readonly message: string;
  /** Which limit, current and allowed. */
  readonly detail?: string | undefined;
  /** What the reader can do about it. */
  readonly hint?: string | undefined;
  /** For the operator's log. Defaults to `message`. */
  readonly logText?: string | undefined;
}

export abstract class PoolerError extends Error {
  readonly severity: Severity;
  readonly sqlstate: SqlState;
  readonly detail: string | undefined;
  readonly hint: string | undefined;
  readonly logText: string;

  constructor(fields: PoolerErrorFields) {
    super(fields.message);
    this.name = new.target.name;
    this.severity = fields.severity;
    this.sqlstate = fields.sqlstate;
    this.detail = fields.detail;
    this.hint = fields.hint;
    this.logText = fields.logText ?? fields.message;
  }
}

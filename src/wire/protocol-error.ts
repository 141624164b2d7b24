/**
 * The peer broke the protocol. PostgreSQL's wording where it has one; a message here never repeats
 * what the peer sent, beyond a number or a name of ours.
 */

import { PoolerError } from "../base/pooler-error.ts";
import { SQLSTATE } from "../base/sqlstate.ts";

/** What a {@link ProtocolError} may carry beside its message. */
export interface ProtocolErrorOptions {
  /** Where PostgreSQL sends another than 08P01. */
  readonly sqlstate?: string;
  readonly detail?: string;
  readonly hint?: string;
  readonly logText?: string;
}

/** FATAL 08P01: the bytes cannot be trusted from here on, so the connection ends. */
export class ProtocolError extends PoolerError {
  constructor(message: string, options: ProtocolErrorOptions = {}) {
    super({ severity: "FATAL", sqlstate: SQLSTATE.protocol_violation, message, ...options });
  }
}

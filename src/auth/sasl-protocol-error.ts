/**
 * A SASL or SCRAM message that breaks the protocol, whichever side sent it.
 */

import { PoolerError } from "../base/pooler-error.ts";
import { SQLSTATE } from "../base/sqlstate.ts";

export class SaslProtocolError extends PoolerError {
  /** Takes constant texts only: nothing the other side sent belongs in them. */
  constructor(message: string, detail?: string) {
    super({ severity: "FATAL", sqlstate: SQLSTATE.protocol_violation, message, detail });
  }
}

/** Returns the error for a SCRAM message that cannot be read; `detail` is a constant text. */
export function malformedScramMessage(detail: string): SaslProtocolError {
  return new SaslProtocolError("malformed SCRAM message", detail);
}

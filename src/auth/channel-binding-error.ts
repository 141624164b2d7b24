/**
 * A login that is not bound to the TLS connection it came by: somebody may be in between.
 */

import { PoolerError } from "../base/pooler-error.ts";
import { SQLSTATE } from "../base/sqlstate.ts";

export class ChannelBindingError extends PoolerError {
  /** Takes constant texts only. */
  constructor(message: string, detail?: string) {
    const sqlstate = SQLSTATE.invalid_authorization_specification;
    super({ severity: "FATAL", sqlstate, message, detail });
  }
}

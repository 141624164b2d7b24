/**
 * A part of SASL or SCRAM that the other side insists on and Carpool, like PostgreSQL, does not speak.
 */

import { PoolerError } from "../base/pooler-error.ts";
import { SQLSTATE } from "../base/sqlstate.ts";

export class UnsupportedSaslError extends PoolerError {
  /** Takes a constant text only: nothing the other side sent belongs in it. */
  constructor(message: string) {
    super({ severity: "FATAL", sqlstate: SQLSTATE.feature_not_supported, message });
  }
}

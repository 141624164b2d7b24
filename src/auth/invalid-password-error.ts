/**
 * A password, or a proof of one, that does not fit the stored secret.
 */

import { PoolerError } from "../base/pooler-error.ts";
import { SQLSTATE } from "../base/sqlstate.ts";

/** Says the same whether the user exists or not. */
export class InvalidPasswordError extends PoolerError {
  constructor() {
    super({
      severity: "FATAL",
      sqlstate: SQLSTATE.invalid_password,
      message: "password authentication failed",
    });
  }
}

/**
 * A server that cannot show that it knows the password's verifier: not the server it claims to be.
 */

import { PoolerError } from "../base/pooler-error.ts";
import { SQLSTATE } from "../base/sqlstate.ts";

/** libpq's wording, and the SQLSTATE by which postgres_fdw reports a connection that libpq refused. */
export class ServerSignatureError extends PoolerError {
  constructor() {
    super({
      severity: "FATAL",
      sqlstate: SQLSTATE.sqlclient_unable_to_establish_sqlconnection,
      message: "incorrect server signature",
    });
  }
}

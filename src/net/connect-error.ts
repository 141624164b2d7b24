/**
 * A server that could not be reached.
 */

import { PoolerError } from "../base/pooler-error.ts";
import { SQLSTATE } from "../base/sqlstate.ts";

/** Why there is no connection, as far as the system tells. */
export type ConnectFailure = "refused" | "timed out" | "host not found" | "unreachable";

/** For the client: no address in it, since that is the tenant's own affair. For the log: everything. */
const DETAILS: Readonly<Record<ConnectFailure, string>> = {
  refused: "The server refused the connection.",
  "timed out": "The server did not answer in time.",
  "host not found": "The server's host name has no address.",
  unreachable: "The server cannot be reached.",
};

export class ConnectError extends PoolerError {
  readonly failure: ConnectFailure;

  /** `hostname`, `port` and `reason` go to the log only. */
  constructor(failure: ConnectFailure, hostname: string, port: number, reason: string) {
    super({
      severity: "FATAL",
      sqlstate: SQLSTATE.connection_failure,
      message: "could not connect to the database server",
      detail: DETAILS[failure],
      logText: `could not connect to ${hostname} port ${port}: ${failure} (${reason})`,
    });
    this.failure = failure;
  }
}

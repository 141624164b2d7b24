/**
 * Why the secret of a role could not be fetched by a tenant's `auth_query`, as the client is told that wanted to
 * log in. Nothing of what the query returned is repeated.
 */

import { PoolerError } from "../../base/pooler-error.ts";
import { SQLSTATE } from "../../base/sqlstate.ts";
import type { ErrorFields } from "../../wire/backend/error-fields.ts";

/** The query ran, and what it returned is not the secret of one role. */
export class AuthQueryResultError extends PoolerError {
  /** @param found what is wrong, as the end of a sentence that begins with "It" */
  constructor(found: string) {
    super({
      severity: "FATAL",
      sqlstate: SQLSTATE.invalid_authorization_specification,
      message: "authentication query returned wrong format",
      detail: `It ${found}.`,
      hint: "The tenant's auth_query must return at most one row of two columns: the name in $1 and the role's SCRAM-SHA-256 or MD5 secret.",
      logText: `auth_query ${found}`,
    });
  }
}

/** Out of resources, and what an operator or a time limit ended. */
const PASSING = /^(?:53|57)[0-9A-Z]{3}$/;

/** PostgreSQL refused the query, in its own words. */
export class AuthQueryRefusedError extends PoolerError {
  /** Whether it may go through in a moment. */
  readonly passing: boolean;

  constructor({ sqlstate = "", message = "no reason given" }: ErrorFields) {
    const passing = PASSING.test(sqlstate);
    super({
      severity: "FATAL",
      sqlstate: passing ? sqlstate : SQLSTATE.invalid_authorization_specification,
      message: `authentication query failed: ${message}`,
      detail: `PostgreSQL's SQLSTATE was ${sqlstate}.`,
      hint: "Run the tenant's auth_query as its manager user to see what it lacks.",
      logText: `auth_query failed: ${sqlstate} ${message}`,
    });
    this.passing = passing;
  }
}

/** There is no connection on which the query could run. */
export class AuthQueryConnectionError extends PoolerError {
  constructor(cause: PoolerError) {
    super({
      severity: "FATAL",
      sqlstate: retryable(cause),
      message: `auth_query connection failed: ${cause.message}`,
      detail: cause.detail,
      hint: refusesManager(cause)
        ? "Check the password of the tenant's manager user, and its right to connect to db_database."
        : "The tenant's database cannot be asked for the password now. Connect again in a moment.",
      logText: `auth_query connection failed: ${cause.logText}`,
    });
  }
}

/** PostgreSQL took too long. */
export class AuthQueryTimeoutError extends PoolerError {
  constructor(timeoutMs: number) {
    super({
      severity: "FATAL",
      sqlstate: SQLSTATE.connection_failure,
      message: "authentication query timed out",
      detail: `It had no answer within ${timeoutMs} ms. AUTH_QUERY_TIMEOUT sets the limit.`,
      hint: "The tenant's database is slow or cannot be reached. Connect again in a moment.",
    });
  }
}

/** More roles are being looked up than can wait. */
export class AuthQueryBusyError extends PoolerError {
  constructor(waitingMax: number) {
    super({
      severity: "FATAL",
      sqlstate: SQLSTATE.cannot_connect_now,
      message: "too many logins wait for the authentication query",
      detail: `The limit is ${waitingMax} names at a time for each tenant.`,
      hint: "Connect again in a moment.",
    });
  }
}

/** The manager's own 28P01 would tell the client that its own password is wrong. */
function retryable(cause: PoolerError): string {
  return refusesManager(cause)
    ? SQLSTATE.sqlserver_rejected_establishment_of_sqlconnection
    : cause.sqlstate;
}

function refusesManager({ sqlstate }: PoolerError): boolean {
  return sqlstate.startsWith("28");
}

/** The tenant has no query to run. Its record is validated; one that was imported may lack it. */
export class AuthQueryMissingError extends PoolerError {
  constructor() {
    super({
      severity: "FATAL",
      sqlstate: SQLSTATE.invalid_authorization_specification,
      message: "no auth_query configured for this tenant",
      hint: "Give the tenant an auth_query and a manager user, or set require_user and list its users.",
    });
  }
}

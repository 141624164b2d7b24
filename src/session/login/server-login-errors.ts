/**
 * Why a login at a PostgreSQL server failed, as clients are told.
 */

import { PoolerError } from "../../base/pooler-error.ts";
import { SQLSTATE } from "../../base/sqlstate.ts";
import type { ErrorFields } from "../../wire/backend/error-fields.ts";

/** PostgreSQL refused the login: its own words and SQLSTATE. */
export class ServerRefusedLoginError extends PoolerError {
  constructor(fields: ErrorFields) {
    super({
      severity: "FATAL",
      sqlstate: sqlstateOf(fields),
      message: fields.message ?? "the server refused the connection",
      detail: fields.detail,
      hint: fields.hint,
      logText: `the server refused the login: ${fields.message ?? "no reason given"}`,
    });
  }
}

/** A code of another form would say nothing to the client's driver. */
function sqlstateOf({ sqlstate = "" }: ErrorFields): string {
  return /^[0-9A-Z]{5}$/.test(sqlstate) ? sqlstate : SQLSTATE.connection_failure;
}

/** Unknown database, no right to connect, a setting of the role that is invalid. */
const PERMANENT: ReadonlySet<string> = new Set(["3D000", "42501", "22023"]);

/** Whether trying again in a moment can't help: a name, a password or a right is missing. */
export function isPermanentLoginError(error: PoolerError): boolean {
  return error.sqlstate.startsWith("28") || PERMANENT.has(error.sqlstate);
}

/** Whether the role may not log in, or not by what it was said to be. */
export function isRefusal(error: PoolerError): boolean {
  return error.sqlstate.startsWith("28");
}

/** Whether another password of the same user might be right. */
export function isPasswordRefusal(error: PoolerError): boolean {
  return (
    (error instanceof ServerRefusedLoginError && error.sqlstate === SQLSTATE.invalid_password) ||
    error instanceof MissingServerPasswordError ||
    error instanceof VerifierMismatchError
  );
}

/** The server did what no PostgreSQL does. */
export class ServerLoginProtocolError extends PoolerError {
  constructor(reason: string) {
    super({
      severity: "FATAL",
      sqlstate: SQLSTATE.connection_failure,
      message: "the server broke the protocol while it was connected to",
      hint: "Check that db_host and db_port of the tenant lead to a PostgreSQL server.",
      logText: `protocol broken by the server during login: ${reason}`,
    });
  }
}

/** The server wants a password, and the tenant's record has none that would do. */
export class MissingServerPasswordError extends PoolerError {
  constructor() {
    super({
      severity: "FATAL",
      sqlstate: SQLSTATE.invalid_authorization_specification,
      message: "no usable password for the server is known",
      hint: "Store the user's password, or a verifier of the kind that the server uses, in the tenant's users.",
    });
  }
}

/** Keys can be passed on only to a server with the very same verifier. */
export class VerifierMismatchError extends PoolerError {
  constructor() {
    super({
      severity: "FATAL",
      sqlstate: SQLSTATE.invalid_authorization_specification,
      message: "the stored SCRAM verifier is not the server's",
      detail: "Salt or iteration count differ: the password was changed on one side.",
      hint: "Copy rolpassword from pg_authid of the server into db_password of the tenant's user.",
    });
  }
}

/** The server asks for a way of authentication that Carpool does not have, or not without TLS. */
export class UnsupportedServerAuthenticationError extends PoolerError {
  constructor(kind: number) {
    super({
      severity: "FATAL",
      sqlstate: SQLSTATE.invalid_authorization_specification,
      message: `the server asks for authentication method ${kind}, which is not supported on this connection`,
      detail:
        "Supported are SCRAM-SHA-256, MD5, trust and, inside TLS only, a password in clear text.",
      hint: "Use scram-sha-256 in the server's pg_hba.conf, or set upstream_ssl for the tenant.",
    });
  }
}

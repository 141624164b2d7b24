/**
 * Why a client can't go on, as PostgreSQL would say it.
 */

import { PoolerError } from "../base/pooler-error.ts";
import { SQLSTATE } from "../base/sqlstate.ts";
import type { ErrorFields } from "../wire/backend/error-fields.ts";

/** As PostgreSQL says it. */
const ADMINISTRATOR_COMMAND = "terminating connection due to administrator command";

/** The server ended the connection while the client used it. */
export class ServerLostError extends PoolerError {
  constructor(fields: ErrorFields | null) {
    super({
      severity: "FATAL",
      sqlstate: fields?.sqlstate ?? SQLSTATE.connection_failure,
      message: fields?.message ?? "server closed the connection unexpectedly",
      detail: fields?.detail,
      hint:
        fields?.hint ??
        "Whether a running transaction was committed is not known. Connect again and check.",
    });
  }
}

/** The server sent what it did not owe. */
export class ServerDesyncError extends PoolerError {
  constructor(reason: string) {
    super({
      severity: "FATAL",
      sqlstate: SQLSTATE.internal_error,
      message: "lost synchronization with server",
      detail: "The connection was closed so that no reply can reach the wrong client.",
      logText: `protocol desync: the server sent ${reason}`,
    });
  }
}

/** A client's settings can't be made to hold on the server that it got. */
export class SettingsRefusedError extends PoolerError {
  /** @param asked they are those of its login: then PostgreSQL's own words say all */
  constructor(fields: ErrorFields, asked: boolean) {
    super({
      severity: "FATAL",
      sqlstate: fields.sqlstate ?? SQLSTATE.invalid_parameter_value,
      message: fields.message ?? "the settings of this connection were refused",
      detail: fields.detail,
      hint:
        asked || fields.hint !== undefined
          ? fields.hint
          : "The server refused a setting that this connection asked for when it connected or by SET.",
    });
  }
}

/** The client broke the protocol after its login. */
export class ClientViolationError extends PoolerError {
  constructor(reason: string, detail?: string) {
    super({ severity: "FATAL", sqlstate: SQLSTATE.protocol_violation, message: reason, detail });
  }
}

/** A CancelRequest came for a query that waits for a server. */
export class QueryCanceledError extends PoolerError {
  constructor() {
    super({
      severity: "ERROR",
      sqlstate: SQLSTATE.query_canceled,
      message: "canceling statement due to user request",
    });
  }
}

/** Carpool is being stopped. */
export class ShutdownError extends PoolerError {
  constructor() {
    super({
      severity: "FATAL",
      sqlstate: SQLSTATE.admin_shutdown,
      message: ADMINISTRATOR_COMMAND,
      hint: "Carpool is being stopped. Connect again in a moment.",
    });
  }
}

/** A bug of ours, met while one connection was served. */
export class InternalError extends PoolerError {
  constructor(cause: unknown) {
    super({
      severity: "FATAL",
      sqlstate: SQLSTATE.internal_error,
      message: "internal error of the connection pooler",
      hint: "The log of Carpool has the details.",
      logText:
        cause instanceof Error
          ? (cause.stack ?? cause.message)
          : "a value that is no error was thrown",
    });
  }
}

/** The user has as many clients as it may. */
export class TooManyClientsError extends PoolerError {
  constructor(current: number, limit: number) {
    super({
      severity: "FATAL",
      sqlstate: SQLSTATE.too_many_connections,
      message: "sorry, too many clients already",
      detail: `This user has ${current} clients; the limit is ${limit}.`,
      hint: "Raise max_clients of the user or default_max_clients of the tenant, or close connections.",
    });
  }
}

/** The tenant has as many clients as it may, over all its users. */
export class TooManyTenantClientsError extends PoolerError {
  constructor(current: number, limit: number) {
    super({
      severity: "FATAL",
      sqlstate: SQLSTATE.too_many_connections,
      message: "sorry, too many clients already",
      detail: `This tenant has ${current} clients; the limit is ${limit}.`,
      hint: "Raise max_client_connections of the tenant, or close connections.",
    });
  }
}

/** The tenant's clients use as many pools as they may. */
export class TooManyPoolsError extends PoolerError {
  constructor(current: number, limit: number) {
    super({
      severity: "FATAL",
      sqlstate: SQLSTATE.configuration_limit_exceeded,
      message: "too many pools of this tenant are in use",
      detail: `It has ${current} pools with clients, one for each user, database and mode; the limit is ${limit}.`,
      hint: "Raise max_pools of the tenant, or connect with fewer users and databases.",
    });
  }
}

/** The tenant has as many servers as it may, and none came free in time. */
export class TooManyTenantServersError extends PoolerError {
  constructor(current: number, limit: number) {
    super({
      severity: "FATAL",
      sqlstate: SQLSTATE.too_many_connections,
      message: "too many server connections of this tenant",
      detail: `Its pools and native clients have ${current}; the limit is ${limit}.`,
      hint: "Raise max_server_connections of the tenant, or connect through a pool instead of the native port.",
    });
  }
}

/** The operator has deleted the tenant. */
export class TenantRemovedError extends PoolerError {
  constructor() {
    super({
      severity: "FATAL",
      sqlstate: SQLSTATE.admin_shutdown,
      message: ADMINISTRATOR_COMMAND,
      detail: "The tenant was removed from the pooler.",
    });
  }
}

/** The operator has taken the user from the tenant. */
export class UserRemovedError extends PoolerError {
  constructor() {
    super({
      severity: "FATAL",
      sqlstate: SQLSTATE.admin_shutdown,
      message: ADMINISTRATOR_COMMAND,
      detail: "The user was removed from the tenant.",
    });
  }
}

/** The operator ends the tenant's connections. */
export class TerminatedByOperatorError extends PoolerError {
  constructor() {
    super({
      severity: "FATAL",
      sqlstate: SQLSTATE.admin_shutdown,
      message: ADMINISTRATOR_COMMAND,
      detail: "The operator of the pooler ended all connections of the tenant.",
      hint: "Connect again: new connections are welcome.",
    });
  }
}

/** The name, the tenant or the password is wrong: the same words and the same work for each. */
export class AuthenticationFailedError extends PoolerError {
  constructor(user: string, waysTried: readonly string[]) {
    super({
      severity: "FATAL",
      sqlstate: SQLSTATE.invalid_password,
      message: `password authentication failed for user "${user}"`,
      detail: `How the tenant was looked for: ${waysTried.join("; ")}.`,
      hint: "Check the name of the tenant, that it has this user, and the password. A tenant is named as user.tenant, by options=reference=tenant, or by the TLS server name.",
    });
  }
}

/** A password would have to cross the network in clear text. */
export class CleartextPasswordError extends PoolerError {
  constructor() {
    super({
      severity: "FATAL",
      sqlstate: SQLSTATE.invalid_authorization_specification,
      message: "password authentication needs an encrypted connection",
      detail:
        "CLIENT_AUTH_METHOD is password, and passwords in clear text are taken inside TLS only.",
      hint: "Connect with sslmode=require or stronger, or set CLIENT_AUTH_METHOD to scram-sha-256.",
    });
  }
}

/** MD5 hashes the user's name as the client sends it, and that is not the role's. */
export class Md5NameError extends PoolerError {
  constructor() {
    super({
      severity: "FATAL",
      sqlstate: SQLSTATE.invalid_authorization_specification,
      message: "MD5 authentication needs the name of the role, or an encrypted connection",
      detail:
        "Of this user's password an MD5 hash is stored, in which the role's name is hashed too; the client hashes the name that it sent.",
      hint: "Connect with sslmode=require or stronger, or with the role's name and options=reference=TENANT; better, store a SCRAM verifier.",
    });
  }
}

/** The client took too long to log in. */
export class LoginTimeoutError extends PoolerError {
  constructor(timeoutMs: number) {
    super({
      severity: "FATAL",
      sqlstate: SQLSTATE.protocol_violation,
      message: "canceling authentication due to timeout",
      detail: `CLIENT_LOGIN_TIMEOUT is ${timeoutMs} ms.`,
    });
  }
}

/** PostgreSQL does not take the secret that the latest login brought. */
export class SecretOutdatedError extends PoolerError {
  constructor(user: string, cause: PoolerError) {
    super({
      severity: "FATAL",
      sqlstate: SQLSTATE.invalid_password,
      message: `password authentication failed for user "${user}"`,
      detail: "The database does not take the password that the latest login was checked by.",
      hint: "The password was changed or has expired. Connect again with the present one: that brings this pool its new secret.",
      logText: `the secret of a login is outdated: ${cause.logText}`,
    });
  }
}

/** What the client was checked by does not hold for the tenant as it is now. */
export class LoginOutdatedError extends PoolerError {
  constructor() {
    super({
      severity: "FATAL",
      sqlstate: SQLSTATE.cannot_connect_now,
      message: "the tenant or the password was changed during the login",
      hint: "Connect again.",
    });
  }
}

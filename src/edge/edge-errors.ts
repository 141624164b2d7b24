/**
 * Why a connection ended before it had a tenant.
 */

import { PoolerError } from "../base/pooler-error.ts";
import { SQLSTATE } from "../base/sqlstate.ts";

/** No StartupMessage came in time. */
export class StartupTimeoutError extends PoolerError {
  constructor(timeoutMs: number) {
    super({
      severity: "FATAL",
      sqlstate: SQLSTATE.protocol_violation,
      message: "canceling authentication due to timeout",
      detail: `No complete startup came within ${timeoutMs} ms.`,
    });
  }
}

/** There are as many clients as there may be. */
export class TooManyConnectionsError extends PoolerError {
  constructor(current: number, limit: number) {
    super({
      severity: "FATAL",
      sqlstate: SQLSTATE.too_many_connections,
      message: "sorry, too many clients already",
      detail: `This pooler has ${current} client connections; the limit is ${limit}.`,
      hint: "Raise MAX_CONNECTIONS, and the limit of open files with it, or close connections.",
    });
  }
}

/** The process is near its memory limit. */
export class MemoryShortageError extends PoolerError {
  constructor(usedBytes: number, limitBytes: number) {
    super({
      severity: "FATAL",
      sqlstate: SQLSTATE.too_many_connections,
      message: "the connection pooler is short of memory and takes no more clients for now",
      detail: `It uses ${megabytes(usedBytes)} MB; the limit is ${megabytes(limitBytes)} MB.`,
      hint: "Close connections, or raise MEMORY_LIMIT or what the system allows the pooler.",
    });
  }
}

/** A bug of ours. */
export class EdgeFaultError extends PoolerError {
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

/** The client named no tenant in any way. */
export class NoTenantNamedError extends PoolerError {
  constructor(waysTried: readonly string[]) {
    super({
      severity: "FATAL",
      sqlstate: SQLSTATE.invalid_authorization_specification,
      message: "no tenant was named",
      detail: `How the tenant was looked for: ${waysTried.join("; ")}.`,
      hint: "Connect as user.tenant, with options=reference=tenant, or by the tenant's host name with TLS; or set DEFAULT_TENANT.",
    });
  }
}

function megabytes(bytes: number): number {
  return Math.round(bytes / 1_048_576);
}

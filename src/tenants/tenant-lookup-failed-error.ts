/**
 * The tenant store is away, and the tenant is not one of those in memory.
 */

import { errorMessage } from "../base/error-message.ts";
import { PoolerError } from "../base/pooler-error.ts";
import { SQLSTATE } from "../base/sqlstate.ts";

/** 57P03, as PostgreSQL while it starts: drivers try again. */
export class TenantLookupFailedError extends PoolerError {
  constructor(cause: unknown) {
    super({
      severity: "FATAL",
      sqlstate: SQLSTATE.cannot_connect_now,
      message: "the tenant cannot be looked up at this moment",
      hint: "Try again in a few seconds.",
      logText: `tenant lookup failed: ${errorMessage(cause)}`,
    });
    this.cause = cause;
  }
}

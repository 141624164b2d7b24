/**
 * What a server that could not be opened says about the next attempt, and about other pools' attempts.
 */

import type { PoolerError } from "../../base/pooler-error.ts";
import { SQLSTATE } from "../../base/sqlstate.ts";
import { TooManyServersError } from "../../net/dial-limit.ts";
import { TlsVerificationError } from "../../net/tls-errors.ts";
import type { OpenFailure } from "../../pool/pool-owner.ts";
import {
  isPermanentLoginError,
  ServerRefusedLoginError,
} from "../../session/login/server-login-errors.ts";
import { ServerTlsRefusedError } from "./open-server-transport.ts";

/** PostgreSQL answers, and is starting or stopping: as good as away, for everybody. */
const AWAY: ReadonlySet<string> = new Set([
  SQLSTATE.cannot_connect_now,
  SQLSTATE.admin_shutdown,
  SQLSTATE.crash_shutdown,
]);

/**
 * Returns `permanent` where trying again in a moment can't help, `own` where PostgreSQL refused this role or
 * this database for now, or the pooler has no descriptor left, and `shared` where it is not to be reached.
 */
export function openFailureOf(error: PoolerError): OpenFailure {
  if (error instanceof TlsVerificationError || error instanceof ServerTlsRefusedError)
    return "permanent";
  if (isPermanentLoginError(error)) return "permanent";
  const refused = error instanceof ServerRefusedLoginError && !AWAY.has(error.sqlstate);
  return refused || error instanceof TooManyServersError ? "own" : "shared";
}

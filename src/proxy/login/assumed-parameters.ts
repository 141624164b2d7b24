/**
 * What clients are told of a server that nobody has reached yet: the tenant's default_parameter_status.
 */

import type { PoolerError } from "../../base/pooler-error.ts";
import { SQLSTATE } from "../../base/sqlstate.ts";
import type { SettingEntries } from "../../session/settings/session-settings.ts";

/** How long a login waits for a server before that; Supavisor's time. */
export const ASSUME_AFTER_MS = 1000;

/** No server can be had for now, which says nothing about what the client asks for. */
const AWAY: ReadonlySet<string> = new Set([
  SQLSTATE.too_many_connections,
  SQLSTATE.cannot_connect_now,
  SQLSTATE.admin_shutdown,
  SQLSTATE.crash_shutdown,
]);

/** Whether a login that fails by `error` may go on with what the tenant's record says. */
export function mayAssumeAfter({ sqlstate }: PoolerError): boolean {
  return sqlstate.startsWith("08") || AWAY.has(sqlstate);
}

/** Returns `defaults` with the values that the client asks for, whatever the case of their names. */
export function assumedParameters(
  defaults: ReadonlyMap<string, string>,
  asked: SettingEntries,
): ReadonlyMap<string, string> {
  return new Map(
    Array.from(
      defaults,
      ([name, value]) => [name, asked.get(name.toLowerCase()) ?? value] as const,
    ),
  );
}

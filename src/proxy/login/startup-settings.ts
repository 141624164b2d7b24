/**
 * The settings that a client asks for when it connects: the other parameters of its StartupMessage,
 * and those in its `options`.
 */

import type { ChannelOpening } from "../../net/channel-opening.ts";

/** Parameters of a StartupMessage that are no settings. */
const NO_SETTINGS: ReadonlySet<string> = new Set(["user", "database", "options", "replication"]);

/** PostgreSQL does not let it win over the user of the login (PGC_S_OVERRIDE in guc.h). */
const WHO_LOGS_IN = "session_authorization";

/**
 * Returns the settings by their folded names. A parameter wins over the same name in `options`, as
 * in PostgreSQL, which reads `options` first.
 */
export function startupSettings(opening: ChannelOpening): ReadonlyMap<string, string> {
  const entries = new Map<string, string>();
  for (const [name, value] of opening.optionsSettings) entries.set(name.toLowerCase(), value);
  for (const [name, value] of opening.parameters) {
    if (!NO_SETTINGS.has(name)) entries.set(name.toLowerCase(), value);
  }
  entries.delete(WHO_LOGS_IN);
  return entries;
}

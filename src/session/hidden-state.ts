/**
 * A look at a server that is at rest for settings that nothing told of: it is asked which it has, given those that it
 * should have, and asked again. So values are compared in PostgreSQL's own form, and the server is as it should be
 * afterwards, whatever was there.
 *
 * Custom settings (`my.name`) are not listed by PostgreSQL: they are taken away, but not found.
 */

import { changeStatements, readSettings, type Settings } from "./session-settings.ts";

/** Rows of text values; null for NULL. */
type Rows = readonly (readonly (string | null)[])[];
/** A name and a value. */
export type SettingRow = readonly [name: string, value: string];

const MARK = "";
const READ = `${readSettings([])} UNION ALL SELECT 'session_authorization', SESSION_USER`;

/** Returns the SQL that asks a server that should have `settings`, and gives them to it. */
export function hiddenStateProbe(settings: Settings): string {
  return [READ, `SELECT '${MARK}', NULL`, ...changeStatements(null, settings), READ].join(";");
}

/** What the server had that it should not have had. */
export interface HiddenSettings {
  readonly names: readonly string[];
  /** All that it had, as {@link readSettings} tells it. */
  readonly rows: readonly SettingRow[];
}

/** Reads the answer to {@link hiddenStateProbe}; null: it was as it should be. */
export function hiddenSettings(rows: Rows): HiddenSettings | null {
  const mark = rows.findIndex(([name]) => name === MARK);
  const before = settingsOf(rows.slice(0, mark));
  const after = settingsOf(rows.slice(mark + 1));
  const names = new Set([...before.keys(), ...after.keys()]);
  const differing = [...names].filter((name) => before.get(name) !== after.get(name));
  return differing.length === 0 ? null : { names: differing, rows: [...before] };
}

function settingsOf(rows: Rows): ReadonlyMap<string, string> {
  const settings = new Map<string, string>();
  for (const [name, value] of rows)
    if (typeof name === "string" && typeof value === "string") settings.set(name, value);
  return settings;
}

/**
 * A look at a server that is at rest for what nothing told of. It is asked which settings it has, given those that it
 * should have, and asked again: so values are compared in PostgreSQL's own form, and they are as they should be
 * afterwards, whatever was there. Then it is asked for what would pin a client.
 *
 * Custom settings (`my.name`) are not listed by PostgreSQL: they are taken away, but not found.
 */

import { changeStatements, readSettings, type Settings } from "../settings/session-settings.ts";
import { ALL_PINS, heldPins, pinProbe } from "./pin-reasons.ts";

/** Rows of text values; null for NULL. */
type Rows = readonly (readonly (string | null)[])[];
/** A name and a value. */
export type SettingRow = readonly [name: string, value: string];

const MARK = "";
const SAY_MARK = `SELECT '${MARK}', NULL`;
const READ = `${readSettings([])} UNION ALL SELECT 'session_authorization', SESSION_USER`;

/** Returns the SQL that asks a server that should have `settings`, and gives them to it. */
export function hiddenStateProbe(settings: Settings): string {
  const asked = [READ, SAY_MARK, ...changeStatements(null, settings), READ, SAY_MARK];
  return [...asked, pinProbe(ALL_PINS)].join(";");
}

/** What the server had that it should not have had. */
export interface HiddenState {
  /** Names of settings. */
  readonly names: readonly string[];
  /** All settings that it had, as {@link readSettings} tells them. */
  readonly rows: readonly SettingRow[];
  /** Bits of PIN. */
  readonly pins: number;
}

/** Reads the answer to {@link hiddenStateProbe}. */
export function hiddenState(rows: Rows): HiddenState {
  const mark = rows.findIndex(([name]) => name === MARK);
  const end = rows.findLastIndex(([name]) => name === MARK);
  const before = settingsOf(rows.slice(0, mark));
  const after = settingsOf(rows.slice(mark + 1, end));
  const names = new Set([...before.keys(), ...after.keys()]);
  return {
    names: [...names].filter((name) => before.get(name) !== after.get(name)),
    rows: [...before],
    pins: heldPins(ALL_PINS, rows.at(-1) ?? []),
  };
}

function settingsOf(rows: Rows): ReadonlyMap<string, string> {
  const settings = new Map<string, string>();
  for (const [name, value] of rows)
    if (typeof name === "string" && typeof value === "string") settings.set(name, value);
  return settings;
}

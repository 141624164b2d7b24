/**
 * The settings of a session (what SET, set_config() and startup parameters change), interned: equal
 * sets are the same object, so that "does this server have this client's settings" is a comparison
 * of two references. Going from one set to another is one Query message of ours.
 */

import { assert } from "../../base/assert.ts";

/** Names are in PostgreSQL's folded form (lower case); values as `set_config` takes them. */
export type SettingEntries = ReadonlyMap<string, string>;

/** One distinct set of settings. Shared by all clients and servers that have it. */
export class Settings {
  readonly entries: SettingEntries;
  readonly key: string;
  /** What a server with these settings reports (ParameterStatus), once one has. */
  reported: ReadonlyMap<string, string> | null = null;
  /** Names those of the settings that decide how a statement's text is read. */
  readonly literalSettings: string;
  references = 0;

  constructor(entries: SettingEntries, key: string) {
    this.entries = entries;
    this.key = key;
    this.literalSettings = literalSettings((name) => entries.get(name.toLowerCase()));
  }
}

/** What PostgreSQL's parser, the input functions of its types and its search for names look at. */
const LITERAL_SETTINGS: readonly string[] = [
  "client_encoding",
  "DateStyle",
  "IntervalStyle",
  "standard_conforming_strings",
  "TimeZone",
  "search_path",
  // Who one is, is what $user in the search_path stands for.
  "role",
  "session_authorization",
];

/** Returns one text for the values of the settings that decide how a statement's text is read. */
export function literalSettings(valueOf: (name: string) => string | undefined): string {
  return LITERAL_SETTINGS.map((name) => valueOf(name) ?? "").join("\u0001");
}

/** Finds or makes the one {@link Settings} of a set of entries. */
export class SettingsInterner {
  readonly #settings = new Map<string, Settings>();
  /** No settings at all: a server fresh from its login. Never forgotten. */
  readonly none: Settings;

  constructor() {
    this.none = this.intern(new Map());
  }

  get size(): number {
    return this.#settings.size;
  }

  /** Returns the settings with these entries, with one more reference. */
  intern(entries: SettingEntries): Settings {
    const key = keyOf(entries);
    let settings = this.#settings.get(key);
    if (settings === undefined) {
      settings = new Settings(entries, key);
      this.#settings.set(key, settings);
    }
    settings.references += 1;
    return settings;
  }

  retain(settings: Settings): void {
    settings.references += 1;
  }

  /** Gives one reference back; the last one forgets the settings. */
  release(settings: Settings): void {
    assert(settings.references > 0, "the settings are alive");
    settings.references -= 1;
    if (settings.references === 0) this.#settings.delete(settings.key);
  }

  /** What servers report has changed (another version, other defaults): ask again for each set. */
  forgetReported(): void {
    for (const settings of this.#settings.values()) settings.reported = null;
  }
}

function keyOf(entries: SettingEntries): string {
  const pairs = [...entries];
  if (pairs.length > 1) pairs.sort((a, b) => (a[0] < b[0] ? -1 : 1));
  return JSON.stringify(pairs);
}

/**
 * Returns the SQL that takes a server from one set of settings to another; empty if they agree.
 * `from` null: the server may have any settings, so all are reset first.
 *
 * Who one is, is reset before all else and set after all else: what a login may change, a role that it
 * has taken may not.
 */
export function settingsChange(from: Settings | null, to: Settings): string {
  return changeStatements(from, to).join(";");
}

/** Returns the same as statements one by one; none if they agree. */
export function changeStatements(from: Settings | null, to: Settings): readonly string[] {
  if (from === to) return [];
  const statements = from === null ? [...RESET_EVERYTHING] : resets(from.entries, to.entries);
  const calls = identityLast(missing(from?.entries ?? NO_ENTRIES, to.entries)).map(
    (name) =>
      `pg_catalog.set_config(${quoteText(name)},${quoteText(to.entries.get(name) ?? "")},false)`,
  );
  // Their values come back, and may be long: a number will do.
  if (calls.length > 0) statements.push(`SELECT pg_catalog.num_nulls(${calls.join(",")})`);
  return statements;
}

const RESET_EVERYTHING: readonly string[] = ["RESET SESSION AUTHORIZATION", "RESET ALL"];

const NO_ENTRIES: SettingEntries = new Map();

/** The settings that say who one is. A role is taken on top of the session's user. */
const IDENTITY: readonly string[] = ["session_authorization", "role"];

/** Longer values are not read back: a session's settings are kept in memory for each client. */
const VALUE_BYTES_MAX = 32_768;

/**
 * Returns the SQL that tells what a session has set, name and value, in the form that `set_config` takes.
 * `pg_settings` does not list custom settings: those are asked for by name. A name that is none has no row.
 * @param maybeUnseen names that `pg_settings` may keep from who has the session's role; has a row with NULL for
 * each that it does
 */
export function readSettings(
  customNames: Iterable<string>,
  maybeUnseen: Iterable<string> = [],
): string {
  const names = arrayOf(customNames);
  const custom = names === "" ? "" : ` UNION ALL ${customSettings(names)}`;
  const read = `SELECT s.name, s.setting FROM (${LISTED_SETTINGS}${custom}) s (name, setting) WHERE pg_catalog.octet_length(s.setting) OPERATOR(pg_catalog.<=) ${VALUE_BYTES_MAX}`;
  const unseen = arrayOf(maybeUnseen);
  return unseen === "" ? read : `${read} UNION ALL ${unlisted("c, NULL", unseen)}`;
}

/** Has a query of ours answered in UTF-8, whatever the session's client_encoding is: up to the end of that Query. */
export const IN_UTF8 = "SET LOCAL client_encoding TO 'UTF8';";

const LISTED_SETTINGS =
  "SELECT l.name, l.setting FROM pg_catalog.pg_settings l " +
  "WHERE l.source OPERATOR(pg_catalog.=) 'session' AND l.context OPERATOR(pg_catalog.<>) 'internal' " +
  "UNION ALL SELECT 'role', pg_catalog.current_setting('role')";

function customSettings(names: string): string {
  return unlisted("c, pg_catalog.current_setting(c, true)", names);
}

/** Selects from those `names` that `pg_settings` does not list. */
function unlisted(columns: string, names: string): string {
  return (
    `SELECT ${columns} FROM pg_catalog.unnest(ARRAY[${names}]::pg_catalog.text[]) c ` +
    "WHERE NOT EXISTS (SELECT 1 FROM pg_catalog.pg_settings l WHERE pg_catalog.lower(l.name) OPERATOR(pg_catalog.=) c)"
  );
}

function arrayOf(names: Iterable<string>): string {
  return [...names].map(quoteText).join(",");
}

/**
 * Returns the SQL that sets `asked` again as far as it is not set by now, after a RESET: to the server,
 * its own defaults are what one goes back to. `pg_settings` lists neither custom settings nor the role.
 * @param withRole where there is no role, it was reset, and not given up
 */
export function settingsRestoration(asked: Settings, withRole: boolean): string {
  const values = identityLast([...asked.entries.keys()])
    .filter((name) => withRole || name !== "role")
    .map((name) => `(${quoteText(name)},${quoteText(asked.entries.get(name) ?? "")})`)
    .join(",");
  if (values === "") return "";
  return (
    `SELECT pg_catalog.set_config(a.name, a.value, false) FROM (VALUES ${values}) a (name, value) ` +
    "LEFT JOIN pg_catalog.pg_settings l ON pg_catalog.lower(l.name) OPERATOR(pg_catalog.=) a.name " +
    "WHERE CASE WHEN l.name IS NULL THEN COALESCE(pg_catalog.current_setting(a.name, true), '') " +
    "OPERATOR(pg_catalog.=) ANY (ARRAY['', 'none']) ELSE l.source OPERATOR(pg_catalog.<>) 'session' END"
  );
}

function resets(from: SettingEntries, to: SettingEntries): string[] {
  const surplus = [...from.keys()].filter((name) => !to.has(name) || IDENTITY.includes(name));
  return identityLast(surplus)
    .toReversed()
    .map((name) => `RESET ${quoteName(name)}`);
}

/** The settings of `to` that are not there after {@link resets}. */
function missing(from: SettingEntries, to: SettingEntries): string[] {
  return [...to.keys()].filter(
    (name) => from.get(name) !== to.get(name) || IDENTITY.includes(name),
  );
}

function identityLast(names: readonly string[]): string[] {
  return names.toSorted((a, b) => IDENTITY.indexOf(a) - IDENTITY.indexOf(b));
}

/** A setting's name as an identifier; the parts of `extension.name` each in quotes. */
export function quoteName(name: string): string {
  return name
    .split(".")
    .map((part) => `"${part.replaceAll('"', '""')}"`)
    .join(".");
}

/**
 * A string constant in ASCII that means the same whatever the session's client_encoding and
 * standard_conforming_strings are.
 */
export function quoteText(text: string): string {
  let quoted = "";
  for (const character of text) {
    const code = character.codePointAt(0) ?? 0;
    if (character === "'") quoted += "''";
    else if (character === "\\") quoted += "\\\\";
    else if (code >= 0x20 && code < 0x7f) quoted += character;
    else quoted += `\\U${code.toString(16).padStart(8, "0")}`;
  }
  return `E'${quoted}'`;
}

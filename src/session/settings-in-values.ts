/**
 * What the text of a statement says of settings beyond what PostgreSQL tells by itself: that it may change
 * one for good without a command tag that says so (`set_config`), and the names of custom settings
 * (`my.name`), which `pg_settings` does not list. What was really set, PostgreSQL is asked at check-in.
 *
 * Told by the letters, and on the safe side: a wrong yes costs a query of `pg_settings`, a name that is
 * none costs nothing. Left out: what a function that exists on the server sets.
 */

const SPACE = 0x20;
const MINUS = 0x2d;
const SLASH = 0x2f;
const SEMICOLON = 0x3b;
const UNDERSCORE = 0x5f;
const LOWER_CASE = 0x20;
const C = 0x63;
const D = 0x64;
const O = 0x6f;
const S = 0x73;
const T = 0x74;

/** Names that are looked for are no longer than PostgreSQL's identifiers, two of them and a dot. */
const NAME_LENGTH_MAX = 127;
const NAMES_MAX = 32;
/** How much of a Bind is searched for names. */
const VALUES_BYTES_MAX = 8192;

/** DO: whatever its block does, the tag says nothing of it. */
const BLOCK = /(?:^|[;/\n])\s*do\b/i;
const CALL = /set_config"?/gi;
/** The arguments of a call that ends with its transaction, where they are easily read. */
const LOCAL_ARGUMENTS = /\s*\((?:[^()'"\\$/-]|'(?:[^'\\]|'')*'|\$\d+)*,\s*true\s*\)/iy;
const CUSTOM_NAME = /[a-z_][\w$]{0,62}"?\."?[a-z_][\w$]{0,62}(?:"?\."?[a-z_][\w$]{0,62})?/gi;

const latin1 = new TextDecoder("latin1");

/** What a text says of settings. */
export interface SettingsInText {
  /** It may change a setting for longer than its transaction, with no tag that says so. */
  readonly keeps: boolean;
  /** Folded names of what may be custom settings. */
  readonly names: readonly string[];
}

/** A text that is not there to its end may do anything. */
const UNKNOWN: SettingsInText = { keeps: true, names: [] };

/** Returns what the text in `bytes[from, end)`, up to its NUL, says; null: it sets nothing. */
export function settingsInText(
  bytes: Uint8Array,
  from: number,
  end: number,
): SettingsInText | null {
  let suspicious = false;
  let fresh = true;
  for (let at = from; at < end; at += 1) {
    const byte = bytes[at] ?? 0;
    if (byte === 0)
      return suspicious ? readSettings(latin1.decode(bytes.subarray(from, at))) : null;
    if (byte === SEMICOLON) fresh = true;
    else if (fresh && byte > SPACE) {
      fresh = false;
      suspicious ||= maySet(byte, bytes, at);
    } else if (byte === UNDERSCORE && ((bytes[at + 1] ?? C) | LOWER_CASE) === C) suspicious = true;
  }
  return UNKNOWN;
}

/** Returns folded names of what may be custom settings in the values of a Bind. */
export function settingNamesInValues(
  bytes: Uint8Array,
  start: number,
  end: number,
): readonly string[] {
  return customNames(latin1.decode(bytes.subarray(start, Math.min(end, start + VALUES_BYTES_MAX))));
}

/** Whether a statement that begins with `byte` may be SET, DO, or anything behind a comment. */
function maySet(byte: number, bytes: Uint8Array, at: number): boolean {
  if (byte === MINUS || byte === SLASH) return true;
  const first = byte | LOWER_CASE;
  if (first === S) return ((bytes[at + 2] ?? T) | LOWER_CASE) === T;
  return first === D && ((bytes[at + 1] ?? O) | LOWER_CASE) === O;
}

function readSettings(sql: string): SettingsInText {
  return { keeps: BLOCK.test(sql) || callsForGood(sql), names: customNames(sql) };
}

function callsForGood(sql: string): boolean {
  for (const { 0: name, index } of sql.matchAll(CALL)) {
    LOCAL_ARGUMENTS.lastIndex = index + name.length;
    if (!LOCAL_ARGUMENTS.test(sql)) return true;
  }
  return false;
}

function customNames(text: string): readonly string[] {
  const names = new Set<string>();
  for (const [match] of text.matchAll(CUSTOM_NAME)) {
    const name = match.replaceAll('"', "").toLowerCase();
    if (name.length <= NAME_LENGTH_MAX) names.add(name);
    if (names.size >= NAMES_MAX) break;
  }
  return [...names];
}

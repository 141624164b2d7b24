/**
 * Which texts may change a setting for longer than their transaction without a command tag that says so:
 * those that call `set_config`. `SET` and `RESET` are told by their tags, see `afterCommand`.
 *
 * Told by the letters, and on the safe side: a wrong yes costs a query of `pg_settings` at check-in.
 * Left out: a call inside a function that exists on the server.
 */

const UNDERSCORE = 0x5f;
const C = 0x63;
const LOWER_CASE = 0x20;
const SET_LENGTH = 3;

const CALL = /set_config"?/gi;
/** The arguments of a call that ends with its transaction, where they are easily read. */
const LOCAL_ARGUMENTS = /\s*\((?:[^()'"\\$/-]|'(?:[^'\\]|'')*'|\$\d+)*,\s*true\s*\)/iy;

const latin1 = new TextDecoder("latin1");

/**
 * Returns whether the text in `bytes[from, end)`, up to its NUL, may call `set_config` with anything but a
 * literal `true` at the end. A text that is cut off before its NUL may do anything.
 */
export function mayKeepSetting(bytes: Uint8Array, from: number, end: number): boolean {
  let suspectFrom = -1;
  for (let at = from; at < end; at += 1) {
    const byte = bytes[at];
    if (byte === 0) return suspectFrom >= 0 && callsForGood(bytes.subarray(suspectFrom, at));
    if (byte === UNDERSCORE && suspectFrom < 0 && ((bytes[at + 1] ?? C) | LOWER_CASE) === C)
      suspectFrom = Math.max(from, at - SET_LENGTH);
  }
  return true;
}

function callsForGood(text: Uint8Array): boolean {
  const sql = latin1.decode(text);
  for (const { 0: name, index } of sql.matchAll(CALL)) {
    LOCAL_ARGUMENTS.lastIndex = index + name.length;
    if (!LOCAL_ARGUMENTS.test(sql)) return true;
  }
  return false;
}

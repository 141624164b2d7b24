/**
 * The gate: tells by the bytes of a text, with nothing decoded or allocated, that it surely leaves nothing behind
 * when its transaction is over. Most texts are let go here; only the others are worth the grammar's time.
 *
 * A wrong yes costs a parse, which is remembered; a wrong no would be a leak, so there must be none: whatever the
 * grammar finds effects in, passes. What it looks for:
 *
 * - a statement that begins with SET, RESET, DISCARD, DEALLOCATE, DECLARE, DO, PREPARE, EXECUTE, EXPLAIN, CREATE,
 *   LISTEN or LOAD: at the beginning, or behind any semicolon, be that in a string or not;
 * - `_conf`, of set_config, `_sett`, of the view pg_settings, which sets what it is updated with, and `_adv`, of the
 *   functions for advisory locks;
 * - `temp`, of TEMPORARY and of pg_temp;
 * - `&"`, of an identifier that may be one of these in escapes.
 *
 * A byte of a character in another encoding may look like one of these letters, and say yes, but none of them hides
 * one: all encodings that a client may use keep ASCII characters as they are.
 */

const SPACE = 0x20;
const QUOTE = 0x22;
const STAR = 0x2a;
const MINUS = 0x2d;
const SLASH = 0x2f;
const NEWLINE = 0x0a;
const CARRIAGE_RETURN = 0x0d;
const LOWER_CASE = 0x20;

const A = 0x61;
const C = 0x63;
const D = 0x64;
const E = 0x65;
const F = 0x66;
const I = 0x69;
const L = 0x6c;
const N = 0x6e;
const O = 0x6f;
const P = 0x70;
const R = 0x72;
const S = 0x73;
const T = 0x74;
const V = 0x76;
const X = 0x78;

/** What a byte may be the sign of. */
const SIGN = { none: 0, end: 1, semicolon: 2, underscore: 3, m: 4, ampersand: 5 } as const;

/** By byte. A table: one load and one branch for nearly all bytes, 0.6 ns each (Bun 1.4.5). */
const SIGNS = new Uint8Array(256);
SIGNS[0] = SIGN.end;
SIGNS[0x3b] = SIGN.semicolon;
SIGNS[0x5f] = SIGN.underscore;
SIGNS[0x4d] = SIGN.m;
SIGNS[0x6d] = SIGN.m;
SIGNS[0x26] = SIGN.ampersand;

/** How much of comments is read in search of a statement's first word, for a whole text. */
const COMMENT_BYTES_MAX = 4096;

/**
 * Returns whether the text in `bytes[from, end)`, up to its NUL, may leave anything behind. A text that is not
 * there to its end may.
 */
export function mayBeStateful(bytes: Uint8Array, from: number, end: number): boolean {
  let word = firstWord(bytes, from, end, COMMENT_BYTES_MAX);
  if (word < 0 || beginsStateful(bytes, word)) return true;
  let commentBytes = word - from;
  for (let at = from; at < end; at += 1) {
    const sign = SIGNS[bytes[at] ?? 0] ?? 0;
    if (sign === SIGN.none) continue;
    if (sign === SIGN.end) return false;
    if (sign === SIGN.semicolon) {
      // Such a place may be in a string, and a comment there none: so the search goes on right behind it.
      word = firstWord(bytes, at + 1, end, COMMENT_BYTES_MAX - commentBytes);
      if (word < 0 || beginsStateful(bytes, word)) return true;
      commentBytes += word - at - 1;
    } else if (isWord(sign, bytes, at)) return true;
  }
  return true;
}

/** Whether the sign at `at` is of a word that is looked for. */
function isWord(sign: number, bytes: Uint8Array, at: number): boolean {
  switch (sign) {
    case SIGN.underscore:
      return isConf(bytes, at + 1) || isAdv(bytes, at + 1) || isSett(bytes, at + 1);
    case SIGN.m:
      return (
        letter(bytes, at + 1) === P && letter(bytes, at - 1) === E && letter(bytes, at - 2) === T
      );
    default:
      return bytes[at + 1] === QUOTE;
  }
}

/** By the first letters: all that begin with them are taken for one. */
function beginsStateful(bytes: Uint8Array, at: number): boolean {
  const second = letter(bytes, at + 1);
  switch (letter(bytes, at)) {
    case S: // SET
      return second === E && letter(bytes, at + 2) === T;
    case R: // RESET
      return second === E && letter(bytes, at + 2) === S;
    case D: // DISCARD, DO, DEALLOCATE, DECLARE
      if (second === I || second === O) return true;
      return second === E && (letter(bytes, at + 2) === A || letter(bytes, at + 2) === C);
    case P: // PREPARE
    case C: // CREATE
      return second === R;
    case E: // EXECUTE, EXPLAIN
      return second === X;
    case L: // LISTEN, LOAD
      return second === I || (second === O && letter(bytes, at + 2) === A);
    default:
      return false;
  }
}

function isConf(bytes: Uint8Array, at: number): boolean {
  if (letter(bytes, at) !== C || letter(bytes, at + 1) !== O) return false;
  return letter(bytes, at + 2) === N && letter(bytes, at + 3) === F;
}

function isSett(bytes: Uint8Array, at: number): boolean {
  if (letter(bytes, at) !== S || letter(bytes, at + 1) !== E) return false;
  return letter(bytes, at + 2) === T && letter(bytes, at + 3) === T;
}

function isAdv(bytes: Uint8Array, at: number): boolean {
  return letter(bytes, at) === A && letter(bytes, at + 1) === D && letter(bytes, at + 2) === V;
}

function letter(bytes: Uint8Array, at: number): number {
  return (bytes[at] ?? 0) | LOWER_CASE;
}

/**
 * Returns where the first word behind white space, comments and empty statements begins, or the text's NUL; -1
 * where that is not known, because it is further away than `bytesMax`, or the text is not there to its end.
 */
function firstWord(bytes: Uint8Array, from: number, end: number, bytesMax: number): number {
  const limit = Math.min(end, from + bytesMax);
  let at = from;
  while (at < limit) {
    const byte = bytes[at] ?? 0;
    const next = bytes[at + 1] ?? 0;
    if (byte === 0) return at;
    if (byte === MINUS && next === MINUS) at = lineEnd(bytes, at + 2, limit);
    else if (byte === SLASH && next === STAR) at = commentEnd(bytes, at + 2, limit);
    else if (byte <= SPACE || byte === 0x3b) at += 1;
    else return at;
  }
  return -1;
}

function lineEnd(bytes: Uint8Array, from: number, limit: number): number {
  let at = from;
  while (at < limit) {
    const byte = bytes[at] ?? 0;
    if (byte === NEWLINE || byte === CARRIAGE_RETURN || byte === 0) return at;
    at += 1;
  }
  return at;
}

/** Comments nest. */
function commentEnd(bytes: Uint8Array, from: number, limit: number): number {
  let depth = 1;
  let at = from;
  while (at < limit && depth > 0) {
    const byte = bytes[at] ?? 0;
    const next = bytes[at + 1] ?? 0;
    if (byte === 0) return at;
    if (byte === STAR && next === SLASH) depth -= 1;
    else if (byte === SLASH && next === STAR) depth += 1;
    else {
      at += 1;
      continue;
    }
    at += 2;
  }
  return at;
}

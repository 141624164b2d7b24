/**
 * Takes the effects of a text off a message: the gate first, then decoding, then {@link SqlReader}.
 *
 * A text is decoded as UTF-8, or where it is none, byte by byte: all encodings of clients keep ASCII as it is, and
 * PostgreSQL's scanner takes any other byte for a letter. Two things could still make a text mean something else to
 * the server than to our grammar, so that such a text is taken for the worst: a backslash, where that may be part of
 * a character or where it escapes in every string; and a name in another encoding.
 */

import { type Effects, UNREAD } from "../../sql/effects.ts";
import { guessEffects } from "../../sql/guess-effects.ts";
import type { SqlReader } from "../../sql/sql-reader.ts";
import { mayBeStateful } from "../../sql/stateful-text.ts";
import { findNul, readText } from "../../wire/bytes.ts";

/** Whose characters may have a backslash as their second byte. */
const ENCODINGS_WITH_BACKSLASHES: ReadonlySet<string> = new Set([
  "BIG5",
  "GB18030",
  "GBK",
  "JOHAB",
  "SHIFT_JIS_2004",
  "SJIS",
  "UHC",
]);

// oxlint-disable-next-line no-control-regex -- all of ASCII
const ASCII = /^[\x00-\x7f]*$/;

const latin1 = new TextDecoder("latin1");

/**
 * Returns what the text in `bytes[from, end)`, up to its NUL, may leave behind; null: nothing. A text that is not
 * there to its end may do anything.
 * @param parameters what its server reports
 */
export function effectsIn(
  reader: SqlReader,
  bytes: Uint8Array,
  from: number,
  end: number,
  parameters: ReadonlyMap<string, string>,
): Effects | null {
  if (!mayBeStateful(bytes, from, end)) return null;
  const nul = findNul(bytes, from, end);
  if (nul < 0) return UNREAD;
  const sql = decodeSql(bytes, from, nul);
  if (sql.includes("\\") && !readsBackslashesAsWeDo(parameters)) return guessEffects(sql);
  const effects = reader.effectsOf(sql);
  const { statementNames } = effects;
  const misread =
    statementNames.length > 0 && !isUtf8(bytes, from, nul) && !ASCII.test(statementNames.join(""));
  return misread ? guessEffects(sql) : effects;
}

/** Returns the text in `bytes[from, end)`, as {@link effectsIn} reads it. */
export function decodeSql(bytes: Uint8Array, from: number, end: number): string {
  const sql = readText(bytes, from, end);
  return sql.isWellFormed() ? sql : latin1.decode(bytes.subarray(from, end));
}

function isUtf8(bytes: Uint8Array, from: number, end: number): boolean {
  return readText(bytes, from, end).isWellFormed();
}

function readsBackslashesAsWeDo(parameters: ReadonlyMap<string, string>): boolean {
  if (parameters.get("standard_conforming_strings") === "off") return false;
  return !ENCODINGS_WITH_BACKSLASHES.has(parameters.get("client_encoding") ?? "");
}

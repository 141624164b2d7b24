/**
 * SASLprep (RFC 4013) as PostgreSQL applies it to passwords, which is not quite by the book:
 *
 * - A password that is no valid UTF-8, or that SASLprep prohibits, is used as it is.
 * - A password of ASCII is used as it is, control characters and all.
 * - What is prohibited is looked for before the normalization, not after it.
 *
 * Verifiers exist that were made by these rules, so they are the rules (src/common/saslprep.c).
 */

import {
  LCAT,
  MAPPED_TO_NOTHING,
  NON_ASCII_SPACE,
  PROHIBITED,
  RANDALCAT,
  UNASSIGNED,
} from "./saslprep-tables.ts";

const ASCII_MAX = 0x7f;

/**
 * Returns the bytes of `password` to derive SCRAM keys from: those of its prepared form, or `password`
 * itself where there is none.
 */
export function saslPrepare(password: Uint8Array): Uint8Array {
  if (password.every((byte) => byte <= ASCII_MAX)) return password;
  const text = decodeUtf8(password);
  const prepared = text === null ? null : prepareText(text);
  return prepared === null ? password : new TextEncoder().encode(prepared);
}

/** Returns null for what is no valid UTF-8. */
function decodeUtf8(bytes: Uint8Array): string | null {
  // Without ignoreBOM, the decoder would eat a leading U+FEFF.
  const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
  try {
    return decoder.decode(bytes);
  } catch (error) {
    if (error instanceof TypeError) return null;
    throw error;
  }
}

/** The steps of RFC 3454 section 2. Returns null for what is prohibited. */
function prepareText(text: string): string | null {
  const codePoints = mapCodePoints(text);
  if (codePoints.length === 0) return null;
  if (codePoints.some((code) => isIn(PROHIBITED, code) || isIn(UNASSIGNED, code))) return null;
  if (!isBidirectionallySound(codePoints)) return null;
  return codePoints
    .map((code) => String.fromCodePoint(code))
    .join("")
    .normalize("NFKC");
}

function mapCodePoints(text: string): readonly number[] {
  return Array.from(text, (character) => character.codePointAt(0) ?? 0)
    .map((code) => (isIn(NON_ASCII_SPACE, code) ? 0x20 : code))
    .filter((code) => !isIn(MAPPED_TO_NOTHING, code));
}

/** RFC 3454 section 6: text with a right-to-left character begins and ends with one, and has no other. */
function isBidirectionallySound(codePoints: readonly number[]): boolean {
  if (!codePoints.some((code) => isRightToLeft(code))) return true;
  if (codePoints.some((code) => isIn(LCAT, code))) return false;
  return isRightToLeft(codePoints[0]) && isRightToLeft(codePoints.at(-1));
}

function isRightToLeft(code: number | undefined): boolean {
  return code !== undefined && isIn(RANDALCAT, code);
}

/** Tells, by bisection, whether `code` lies in one of the ranges of `table`. */
function isIn(table: readonly number[], code: number): boolean {
  let low = 0;
  let high = table.length / 2;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (code < (table[middle * 2] ?? 0)) high = middle;
    else if (code > (table[middle * 2 + 1] ?? 0)) low = middle + 1;
    else return true;
  }
  return false;
}

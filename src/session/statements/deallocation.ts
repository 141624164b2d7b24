/**
 * DEALLOCATE of one statement by SQL: drivers whose libpq can't send Close (before version 17) do that to
 * statements that they prepared by Parse, so the name is one of the protocol's. PHP's PDO, Rails, psycopg.
 *
 * Left out: a DEALLOCATE among other statements of a Query, and one that is itself prepared.
 */

import { readText } from "../../wire/bytes.ts";

/** A Query longer than this is not read for a DEALLOCATE: names have 63 bytes, or twice that in quotes. */
export const DEALLOCATION_BYTES_MAX = 256;

const DEALLOCATION =
  /^[\s;]*deallocate\s+(?:prepare\s+)?(?:"((?:[^"]|"")+)"|([a-z_\u{80}-\u{10ffff}][\w$\u{80}-\u{10ffff}]*))[\s;]*$/iu;

/**
 * Returns which statement the text in `bytes[from, end)`, up to its NUL, deallocates; null: it is no such
 * text, or deallocates all.
 */
export function deallocatedName(bytes: Uint8Array, from: number, end: number): string | null {
  const found = DEALLOCATION.exec(readText(bytes, from, end - 1));
  if (found === null) return null;
  const [, quoted, plain = ""] = found;
  if (quoted !== undefined) return quoted.replaceAll('""', '"');
  const folded = plain.replaceAll(/[A-Z]/g, (letter) => letter.toLowerCase());
  return folded === "all" || folded === "prepare" ? null : folded;
}

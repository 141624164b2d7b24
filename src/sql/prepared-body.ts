/**
 * Cuts the statement out of a PREPARE: PostgreSQL keeps the whole text that the client sent, in which other commands
 * may stand before and behind.
 */

import type { Grammar, Token } from "./grammar.ts";

const encoder = new TextEncoder();
const decoder = new TextDecoder("utf-8", { ignoreBOM: true });

/** Where a statement stands in a text, in bytes of UTF-8. */
interface Place {
  readonly start: number;
  readonly end: number;
}

/**
 * Returns what stands behind AS in the last PREPARE of `name` in `sql`, at the place where it stands: behind as many
 * spaces as there are characters before. Null where there is no such PREPARE.
 */
export function preparedBody(grammar: Grammar, sql: string, name: string): string | null {
  const bytes = encoder.encode(sql);
  const place = lastPrepare(grammar.parse(sql), name, bytes.length);
  const tokens = place === null ? null : grammar.scan(sql);
  if (place === null || !tokens) return null;
  const start = behindAs(tokens, place);
  if (start < 0) return null;
  // So that a character's position in an error stays what it is in the whole text.
  const before = Array.from(decoder.decode(bytes.subarray(0, start))).length;
  return " ".repeat(before) + decoder.decode(bytes.subarray(start, place.end)).trimEnd();
}

function lastPrepare(tree: unknown, name: string, length: number): Place | null {
  let found: Place | null = null;
  for (const { stmt, stmt_location: start = 0, stmt_len: bytes } of statementsOf(tree))
    if (stmt.PrepareStmt?.name === name)
      found = { start, end: bytes === undefined ? length : start + bytes };
  return found;
}

/** As much of libpg_query's RawStmt as is read here. */
interface RawStatement {
  readonly stmt: { readonly PrepareStmt?: { readonly name?: unknown } };
  readonly stmt_location?: number;
  readonly stmt_len?: number;
}

function statementsOf(tree: unknown): readonly RawStatement[] {
  if (typeof tree !== "object" || tree === null || !("stmts" in tree)) return [];
  return Array.isArray(tree.stmts) ? tree.stmts : [];
}

/** Returns the offset behind the AS that follows name and types; types have parentheses, too. */
function behindAs(tokens: readonly Token[], { start, end }: Place): number {
  let depth = 0;
  for (const token of tokens) {
    if (token.start < start || token.end > end) continue;
    if (token.text === "(") depth += 1;
    else if (token.text === ")") depth -= 1;
    else if (depth === 0 && token.text.toLowerCase() === "as") return token.end;
  }
  return -1;
}

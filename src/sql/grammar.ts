/**
 * PostgreSQL's own parser, as far as this program needs it. It is loaded once at start-up and passed to those who
 * read SQL; in this room it is an interface, so that the room needs neither the package nor the disk.
 */

/** A word, sign or literal of a text. Offsets are bytes of its UTF-8 form. */
export interface Token {
  readonly text: string;
  readonly start: number;
  readonly end: number;
}

export interface Grammar {
  /** Returns the parse tree of all statements in `sql`, as JSON; null: it is refused; undefined: not now. */
  parse(sql: string): unknown;
  /** Returns its tokens; null and undefined as of {@link parse}. */
  scan(sql: string): readonly Token[] | null | undefined;
  /** Returns 16 hexadecimal digits, the same for texts that differ in constants and white space only; null: refused. */
  fingerprint(sql: string): string | null;
  /** Returns the text with `$1`, `$2`, … for its constants; null: refused. */
  normalize(sql: string): string | null;
}

/** Refuses everything, so that each text that may be stateful is taken for the worst. */
export const NO_GRAMMAR: Grammar = {
  parse: () => null,
  scan: () => null,
  fingerprint: () => null,
  normalize: () => null,
};

/**
 * The right side of an entry in `[databases]`, `[users]` or `[peers]`: `host=db1 dbname='my db'`.
 */

export interface ConnectionOption {
  readonly key: string;
  readonly value: string;
}

/** A value in single quotes has each of its own quotes doubled; PgBouncer knows no backslash. */
const OPTION = /\s*([A-Za-z0-9_]+)\s*=\s*(?:'((?:[^']|'')*)'(?=\s|$)|([^\s']\S*)?)/y;

/** Returns the options in their order, or null where the text is not made of such. */
export function parseConnectionString(text: string): readonly ConnectionOption[] | null {
  const options: ConnectionOption[] = [];
  const trimmed = text.trimEnd();
  const pattern = new RegExp(OPTION);
  while (pattern.lastIndex < trimmed.length) {
    const [, key, quoted, plain] = pattern.exec(trimmed) ?? [];
    if (key === undefined) return null;
    options.push({ key, value: quoted?.replaceAll("''", "'") ?? plain ?? "" });
  }
  return options;
}

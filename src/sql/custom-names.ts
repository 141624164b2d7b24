/**
 * Names of what may be custom settings (`my.name`), which `pg_settings` does not list. Found by their form, in texts
 * and in values: a name that is none costs nothing.
 */

/** Names that are looked for are no longer than PostgreSQL's identifiers, two of them and a dot. */
const NAME_LENGTH_MAX = 127;
/** As many as are kept of one hold (`ServerState.customNames`): columns of tables look the same, and come first. */
const NAMES_MAX = 256;

const CUSTOM_NAME = /[a-z_][\w$]{0,62}"?\."?[a-z_][\w$]{0,62}(?:"?\."?[a-z_][\w$]{0,62})?/gi;

/** Returns at most 256 names, folded. */
export function customNames(text: string): readonly string[] {
  const names = new Set<string>();
  for (const [match] of text.matchAll(CUSTOM_NAME)) {
    const name = match.replaceAll('"', "").toLowerCase();
    if (name.length <= NAME_LENGTH_MAX) names.add(name);
    if (names.size >= NAMES_MAX) break;
  }
  return [...names];
}

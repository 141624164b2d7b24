/**
 * "Did you mean …?": the known name that a misspelt one is nearest to.
 */

/** Two edits mend most typing errors. */
const EDITS_MAX = 2;
/** Short names resemble each other after a few edits: an edit must leave most of a name as it was. */
const LETTERS_PER_EDIT = 3;

/**
 * Returns the name of `known` nearest to `name`, or null: at most two edits away, one of names with
 * less than six letters; letter case is ignored. An edit is one letter inserted, removed, replaced,
 * or two neighbours swapped.
 */
export function closestName(name: string, known: Iterable<string>): string | null {
  let closest: string | null = null;
  let fewest = Math.min(EDITS_MAX, Math.floor(name.length / LETTERS_PER_EDIT)) + 1;
  for (const candidate of known) {
    const edits = editsBetween(name.toLowerCase(), candidate.toLowerCase());
    if (edits < fewest) [closest, fewest] = [candidate, edits];
  }
  return closest;
}

/** The optimal string alignment distance, row by row; more than the limit counts as just over it. */
function editsBetween(a: string, b: string): number {
  if (Math.abs(a.length - b.length) > EDITS_MAX) return EDITS_MAX + 1;
  let beforeLast: number[] = [];
  let last = Array.from({ length: b.length + 1 }, (_, column) => column);
  for (let row = 1; row <= a.length; row += 1) {
    const current = [row];
    for (let column = 1; column <= b.length; column += 1) {
      const replaced = at(last, column - 1) + (a[row - 1] === b[column - 1] ? 0 : 1);
      const swapped =
        row > 1 && column > 1 && a[row - 1] === b[column - 2] && a[row - 2] === b[column - 1]
          ? at(beforeLast, column - 2) + 1
          : Infinity;
      current.push(Math.min(replaced, swapped, at(last, column) + 1, at(current, column - 1) + 1));
    }
    [beforeLast, last] = [last, current];
  }
  return at(last, b.length);
}

function at(row: readonly number[], column: number): number {
  return row[column] ?? Infinity;
}

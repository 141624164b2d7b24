/**
 * How far two names are apart.
 */

/**
 * Returns the Levenshtein distance: the fewest characters to insert, delete or replace to make
 * `left` out of `right`. Takes time in proportion to the product of their lengths.
 */
export function editDistance(left: string, right: string): number {
  let above = Array.from({ length: right.length + 1 }, (_, column) => column);
  for (let row = 1; row <= left.length; row += 1) {
    const current = [row];
    for (let column = 1; column <= right.length; column += 1) {
      const replace = left[row - 1] === right[column - 1] ? 0 : 1;
      current.push(
        Math.min(
          at(above, column) + 1,
          at(current, column - 1) + 1,
          at(above, column - 1) + replace,
        ),
      );
    }
    above = current;
  }
  return at(above, right.length);
}

function at(row: readonly number[], column: number): number {
  return row[column] ?? Number.POSITIVE_INFINITY;
}

/**
 * Long lists in statements of bounded size.
 */

/** 200 rows of 29 columns stay far below the 32 766 parameters that SQLite takes. */
const ROWS_PER_STATEMENT = 200;

/** Returns `items` in slices of at most 200; none if there are none. */
function chunksOf<T>(items: readonly T[]): T[][] {
  const chunks: T[][] = [];
  for (let start = 0; start < items.length; start += ROWS_PER_STATEMENT)
    chunks.push(items.slice(start, start + ROWS_PER_STATEMENT));
  return chunks;
}

/** Runs `statement` for one chunk after the other: on the connection of a transaction, or on one at a time. */
export async function inChunks<T>(
  items: readonly T[],
  statement: (chunk: T[]) => Promise<unknown>,
): Promise<void> {
  // oxlint-disable-next-line no-await-in-loop -- see above
  for (const chunk of chunksOf(items)) await statement(chunk);
}

/**
 * Steps of a test that must not overlap.
 */

/** Calls `visit` for each of `items`, the next when the last one's promise is fulfilled. */
export async function inTurn<T>(
  items: Iterable<T>,
  visit: (item: T) => Promise<void>,
): Promise<void> {
  // oxlint-disable-next-line no-await-in-loop -- one after the other is what this is for
  for (const item of items) await visit(item);
}

/** Calls `visit` so many times, with 0, 1, 2 …, one after the other. */
export function repeatedly(times: number, visit: (round: number) => Promise<void>): Promise<void> {
  return inTurn(Array.from({ length: times }).keys(), visit);
}

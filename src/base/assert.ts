/**
 * Assertions: our own mistakes, never the outside world's.
 * A failed one ends the connection it happened on (XX000, logged with its stack), not the process.
 */

/** Thrown by {@link assert}. */
export class AssertionError extends Error {
  override readonly name = "AssertionError";
}

/**
 * Throws an {@link AssertionError} unless `condition` holds. One condition each, so that the
 * message names what broke.
 */
export function assert(condition: boolean, message: string): asserts condition {
  if (!condition) throw new AssertionError(message);
}

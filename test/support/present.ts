/**
 * What a test knows to be there, though its type does not say so.
 */

/** Returns `value`. Throws if there is none. */
export function present<T>(value: T | null | undefined): T {
  if (value === null || value === undefined) throw new Error("expected a value, but there is none");
  return value;
}

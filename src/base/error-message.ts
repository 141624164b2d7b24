/**
 * What was thrown, as text for a log or a cause.
 */

/** Returns the message of an Error; of anything else that was thrown, its JSON or its type. */
export function errorMessage(thrown: unknown): string {
  if (thrown instanceof Error) return thrown.message;
  return JSON.stringify(thrown) ?? typeof thrown;
}

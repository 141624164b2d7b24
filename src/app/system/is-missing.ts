/**
 * Tells "there is no such file" from every other failure of the file system.
 */

/** Returns true if `error` is an ENOENT. */
export function isMissing(error: unknown): boolean {
  return error instanceof Error && "code" in error && error.code === "ENOENT";
}

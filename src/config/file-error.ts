/**
 * What the file system refused, in words.
 */

/** The errors of node:fs carry a code; other things that are thrown do not. */
export interface FileFault {
  readonly isMissing: boolean;
  /** A phrase such as "no such file". */
  readonly text: string;
}

const PHRASES: ReadonlyMap<unknown, string> = new Map([
  ["ENOENT", "no such file"],
  ["ENOTDIR", "a part of the path is not a folder"],
  ["EISDIR", "is a folder, not a file"],
  ["EACCES", "may not be read by this user"],
  ["EPERM", "may not be read by this user"],
]);

/** Says what `error`, thrown by node:fs, means. Throws it again if node:fs did not throw it. */
export function describeFileError(error: unknown): FileFault {
  if (!(error instanceof Error) || !("code" in error)) throw error;
  const text = PHRASES.get(error.code) ?? `cannot be read (${String(error.code)})`;
  return { isMissing: error.code === "ENOENT", text };
}

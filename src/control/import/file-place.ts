/**
 * A line of a file that is imported: what the report and every complaint point at.
 */

export interface FilePlace {
  /** As it was named: on the command line, or by the file that includes it. */
  readonly file: string;
  /** The first is 1. */
  readonly line: number;
}

/** What cannot be read there. */
export interface ImportProblem {
  readonly place: FilePlace;
  readonly message: string;
}

/** Returns a file's text; null: it cannot be read. */
export type ReadText = (path: string) => string | null;

/** Returns `pgbouncer.ini:12`. */
export function formatPlace({ file, line }: FilePlace): string {
  return `${file}:${line}`;
}

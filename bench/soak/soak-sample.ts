/**
 * What is noted every few seconds of a soak, as a line of CSV.
 */

export interface SoakSample {
  readonly seconds: number;
  /** Resident memory of the pooler's process. */
  readonly rssBytes: number;
  /** Since the sample before. */
  readonly queriesPerSecond: number;
  /** Since the start. */
  readonly queries: number;
  readonly desyncTotal: number;
  readonly internalErrorsTotal: number;
  /** Answers that were not their askers'. */
  readonly violations: number;
}

const COLUMNS = [
  "seconds",
  "rssBytes",
  "queriesPerSecond",
  "queries",
  "desyncTotal",
  "internalErrorsTotal",
  "violations",
] as const satisfies readonly (keyof SoakSample)[];

/** The first line of the file. */
export const CSV_HEADER = `${COLUMNS.join(",")}\n`;

/** Returns one line, its end included. */
export function csvLine(sample: SoakSample): string {
  return `${COLUMNS.map((column) => Math.round(sample[column])).join(",")}\n`;
}

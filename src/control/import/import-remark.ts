/**
 * What became of one thing in the files: a line of the report.
 */

import { type FilePlace, formatPlace, type ImportProblem } from "./file-place.ts";

/** In the words of the report. Only what is `refused` keeps the import from being written. */
export type Fate = "taken over" | "other name" | "differs" | "no counterpart" | "refused";

export interface ImportRemark {
  /** Null: PgBouncer's default, which stands in no file. */
  readonly place: FilePlace | null;
  /** What stands there, without secrets: `pool_mode = session`. */
  readonly subject: string;
  readonly fate: Fate;
  /** What it is here, or what its absence means. */
  readonly text: string;
}

/** Returns what an unreadable line is in the report. */
export function refusal({ place, message }: ImportProblem): ImportRemark {
  return { place, subject: "this line", fate: "refused", text: message };
}

/** Returns the report: a line for each remark, then how many there are of each kind. */
export function renderRemarks(remarks: readonly ImportRemark[]): string {
  const lines = remarks.map(({ place, subject, fate, text }) => {
    const where = place === null ? "(default)" : formatPlace(place);
    return `${where}: ${subject}: ${fate}${text === "" ? "" : `: ${text}`}`;
  });
  const fates = ["taken over", "other name", "differs", "no counterpart", "refused"] as const;
  const counts = fates.map(
    (fate) => `${remarks.filter((remark) => remark.fate === fate).length} ${fate}`,
  );
  return [...lines, counts.join(", ")].join("\n");
}

/**
 * One line of the report: a peer under one load.
 */

import type { Summary } from "./summary.ts";

export interface Line {
  readonly scenario: string;
  readonly clients: number;
  readonly peer: string;
  readonly summary: Summary;
}

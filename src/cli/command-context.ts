/**
 * What a verb gets from the process it runs in. Tests bring their own.
 */

import type { Environment } from "../config/unknown-names.ts";

export interface CommandContext {
  readonly env: Environment;
  /** Where `carpool.yaml` is looked for, and relative paths begin. */
  readonly workingDirectory: string;
  /** Milliseconds since 1970. */
  now(): number;
  /** Writes text as it is, without adding a line break. */
  writeOut(text: string): void;
  writeError(text: string): void;
}

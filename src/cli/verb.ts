/**
 * How a verb joins the command: one file a verb, listed in `program.ts`.
 */

import type { Command } from "commander";
import type { CommandContext } from "./command-context.ts";

/** Tells the exit code of a verb that is over: an `EXIT_CODE`, or 128 and a signal's number. Without it, 0. */
export type Finish = (code: number) => void;

/** Adds its commander subcommand to `program`. Its action uses only `context`, never the process. */
export type Verb = (program: Command, context: CommandContext, finish: Finish) => void;

/** Options that every verb has. A verb reads them with `program.opts()`. */
export interface GlobalOptions {
  /** The file that `--config` named. */
  readonly config?: string;
}

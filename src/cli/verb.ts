/**
 * How a verb joins the command: one file a verb, listed in `program.ts`.
 */

import type { Command } from "commander";
import type { CommandContext } from "./command-context.ts";
import type { ExitCode } from "./exit-code.ts";

/** Tells the exit code of a verb that is over. Without it, the code is 0. */
export type Finish = (code: ExitCode) => void;

/** Adds its commander subcommand to `program`. Its action uses only `context`, never the process. */
export type Verb = (program: Command, context: CommandContext, finish: Finish) => void;

/** Options that every verb has. A verb reads them with `program.opts()`. */
export interface GlobalOptions {
  /** The file that `--config` named. */
  readonly config?: string;
}

/**
 * Runs the command line to its exit code.
 */

import { CommanderError } from "commander";
import type { CommandContext } from "./command-context.ts";
import { EXIT_CODE } from "./exit-code.ts";
import { createProgram } from "./program.ts";

/**
 * Runs the verb that `args` (without program names) call for. Returns when it is over, with the code
 * that the process is to exit with. An error that no verb expected is thrown on.
 */
export async function runCli(args: readonly string[], context: CommandContext): Promise<number> {
  let exitCode: number = EXIT_CODE.done;
  const program = createProgram(context, (code) => {
    exitCode = code;
  });
  try {
    await program.parseAsync(args, { from: "user" });
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    // Help and version end with 0, everything else was a mistake on the command line.
    return error.exitCode === 0 ? EXIT_CODE.done : EXIT_CODE.usage;
  }
  return exitCode;
}

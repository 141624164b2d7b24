/**
 * `carpool start`: the production run.
 */

import { startCarpool } from "../app/start-carpool.ts";
import { describeFailure } from "../app/start-errors.ts";
import type { CommandContext } from "./command-context.ts";
import { EXIT_CODE } from "./exit-code.ts";
import { readSettings, tellSettings } from "./read-settings.ts";
import type { GlobalOptions, Verb } from "./verb.ts";

const AFTER_HELP = `
Signals: SIGTERM and SIGINT stop it when running transactions are over, at the latest after
SHUTDOWN_TIMEOUT; a second one at once. SIGHUP reloads carpool.yaml and certificates.
`;

/** Adds the verb. */
export const addStart: Verb = (program, context, finish) => {
  program
    .command("start")
    .description("run the pooler until a signal stops it")
    .addHelpText("after", AFTER_HELP)
    .action(async () => {
      const { config } = program.opts<GlobalOptions>();
      finish(await start(context, config ?? null));
    });
};

async function start(context: CommandContext, fileName: string | null): Promise<number> {
  const settings = tellSettings(context, fileName);
  if (settings === null) return EXIT_CODE.failed;
  try {
    return await startCarpool({
      workingDirectory: context.workingDirectory,
      config: settings.config,
      readSettings: () => readSettings(context, fileName),
    });
  } catch (error) {
    context.writeError(`error: ${describeFailure(error)}\n`);
    return EXIT_CODE.failed;
  }
}

/**
 * `carpool start`: the production run.
 */

import { startCarpool } from "../app/start-carpool.ts";
import { describeFailure } from "../app/start-errors.ts";
import { startNextVersion } from "../app/takeover/next-version.ts";
import type { CommandContext } from "./command-context.ts";
import { EXIT_CODE } from "./exit-code.ts";
import { readSettings, tellSettings } from "./read-settings.ts";
import type { GlobalOptions, Verb } from "./verb.ts";

const AFTER_HELP = `
Signals: SIGTERM and SIGINT stop it when running transactions are over, at the latest after
SHUTDOWN_TIMEOUT; a second one at once. SIGHUP reloads carpool.yaml and certificates.

A new version takes the place of the running one with --replace: on the same ports, with the same
DATA_DIRECTORY, and no connection is refused. The old one ends within its SHUTDOWN_TIMEOUT.
SIGUSR2 has the running one start it so, from the files that are there by then.
`;

interface StartFlags {
  readonly replace?: boolean;
}

/** Adds the verb. */
export const addStart: Verb = (program, context, finish) => {
  program
    .command("start")
    .description("run the pooler until a signal stops it")
    .addHelpText("after", AFTER_HELP)
    .option("--replace", "take the place of the running one, if there is one")
    .action(async ({ replace = false }: StartFlags) => {
      const { config } = program.opts<GlobalOptions>();
      finish(await start(context, config ?? null, replace));
    });
};

async function start(
  context: CommandContext,
  fileName: string | null,
  replace: boolean,
): Promise<number> {
  const settings = tellSettings(context, fileName);
  if (settings === null) return EXIT_CODE.failed;
  try {
    return await startCarpool({
      workingDirectory: context.workingDirectory,
      config: settings.config,
      readSettings: () => readSettings(context, fileName),
      replace,
      startNextVersion,
    });
  } catch (error) {
    context.writeError(`error: ${describeFailure(error)}\n`);
    return EXIT_CODE.failed;
  }
}

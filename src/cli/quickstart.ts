/**
 * `carpool quickstart`: PostgreSQL and Carpool together, to try it. `npm start` calls it.
 */

import { QUICK_START_DEFAULTS, quickStart } from "../app/quick-start/quick-start.ts";
import { describeFailure } from "../app/start-errors.ts";
import type { Config } from "../config/settings.ts";
import type { CommandContext } from "./command-context.ts";
import { EXIT_CODE } from "./exit-code.ts";
import { readSettings, tellSettings } from "./read-settings.ts";
import type { GlobalOptions, Verb } from "./verb.ts";

/** Adds the verb. */
export const addQuickstart: Verb = (program, context, finish) => {
  program
    .command("quickstart")
    .description("run with an embedded PostgreSQL and a tenant `dev`, to try Carpool")
    .action(async () => {
      const { config } = program.opts<GlobalOptions>();
      finish(await quickstart(context, config ?? null));
    });
};

async function quickstart(context: CommandContext, fileName: string | null): Promise<number> {
  const settings = tellSettings(context, fileName);
  if (settings === null) return EXIT_CODE.failed;
  const unsaid = settings.effective
    .filter(({ name, origin }) => origin.kind === "default" && name in QUICK_START_DEFAULTS)
    .map(({ name }) => [name, QUICK_START_DEFAULTS[name]] as const);
  const env = { ...context.env, ...Object.fromEntries(unsaid) };
  try {
    return await quickStart({
      workingDirectory: context.workingDirectory,
      readSettings: (more) => requireSettings({ ...context, env: { ...env, ...more } }, fileName),
      writeOut: (text) => context.writeOut(text),
    });
  } catch (error) {
    context.writeError(`error: ${describeFailure(error)}\n`);
    return EXIT_CODE.failed;
  }
}

/** The settings were in order a moment ago, and what is added is. */
function requireSettings(context: CommandContext, fileName: string | null): Config {
  const reading = readSettings(context, fileName);
  if (reading.ok) return reading.config;
  throw new Error(reading.problems.join("\n"));
}

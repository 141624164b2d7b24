/**
 * `carpool apply FILE`: puts the tenants of a file into the store.
 */

import { describeFailure } from "../app/start-errors.ts";
import { applyTenantFile } from "../app/verbs/manage-tenants.ts";
import type { CommandContext } from "./command-context.ts";
import { EXIT_CODE, type ExitCode } from "./exit-code.ts";
import { tellSettings } from "./read-settings.ts";
import type { GlobalOptions, Verb } from "./verb.ts";

interface ApplyOptions extends GlobalOptions {
  readonly prune?: true;
  readonly dryRun?: true;
}

/** Adds the verb. */
export const addApply: Verb = (program, context, finish) => {
  program
    .command("apply")
    .description("put the tenants of a YAML or JSON file into the store, all or none")
    .argument("<file>", "a list of tenants, each with its users")
    .option("--prune", "delete the tenants that are not in the file")
    .option("--dry-run", "show what would change, and change nothing")
    .action(async (file: string, options: ApplyOptions) => {
      finish(await apply(context, file, { ...program.opts<GlobalOptions>(), ...options }));
    });
};

async function apply(
  context: CommandContext,
  file: string,
  options: ApplyOptions,
): Promise<ExitCode> {
  const settings = tellSettings(context, options.config ?? null);
  if (settings === null) return EXIT_CODE.failed;
  try {
    const { outcome, text } = await applyTenantFile(settings.config, context.workingDirectory, {
      file,
      prune: options.prune ?? false,
      dryRun: options.dryRun ?? false,
    });
    if (outcome === "invalid") {
      context.writeError(`${text}\n`);
      return EXIT_CODE.failed;
    }
    context.writeOut(`${text}${outcome === "planned" ? " (dry run: nothing was changed)" : ""}\n`);
    return EXIT_CODE.done;
  } catch (error) {
    context.writeError(`error: ${describeFailure(error)}\n`);
    return EXIT_CODE.failed;
  }
}

/**
 * `carpool tenants`: who is in the store.
 */

import { describeFailure } from "../app/start-errors.ts";
import { showTenants } from "../app/verbs/manage-tenants.ts";
import type { CommandContext } from "./command-context.ts";
import { EXIT_CODE, type ExitCode } from "./exit-code.ts";
import { tellSettings } from "./read-settings.ts";
import type { GlobalOptions, Verb } from "./verb.ts";

/** Adds the verb. */
export const addTenants: Verb = (program, context, finish) => {
  program
    .command("tenants")
    .description("list the tenants in the store")
    .option("--json", "with all their fields, for programs; passwords are left out")
    .action(async (options: { readonly json?: true }) => {
      const { config } = program.opts<GlobalOptions>();
      finish(await tenants(context, config ?? null, options.json ? "json" : "table"));
    });
};

async function tenants(
  context: CommandContext,
  fileName: string | null,
  format: "table" | "json",
): Promise<ExitCode> {
  const settings = tellSettings(context, fileName);
  if (settings === null) return EXIT_CODE.failed;
  try {
    context.writeOut(`${await showTenants(settings.config, context.workingDirectory, format)}\n`);
    return EXIT_CODE.done;
  } catch (error) {
    context.writeError(`error: ${describeFailure(error)}\n`);
    return EXIT_CODE.failed;
  }
}

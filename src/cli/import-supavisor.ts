/**
 * `carpool import supavisor`: takes over the tenants, users and clusters of a Supavisor.
 */

import type { Command } from "commander";
import { describeFailure } from "../app/start-errors.ts";
import { importFromSupavisor } from "../app/verbs/import-supavisor.ts";
import type { CommandContext } from "./command-context.ts";
import { EXIT_CODE, type ExitCode } from "./exit-code.ts";
import { tellSettings } from "./read-settings.ts";
import type { Finish, GlobalOptions } from "./verb.ts";

interface ImportOptions extends GlobalOptions {
  readonly from?: string;
  readonly dryRun?: true;
}

const AFTER_HELP = `
Environment:
  SUPAVISOR_DATABASE_URL    the database, where --from is not given: a URL with a password in it
                            is better not on a command line, which everybody on the machine can see
  SUPAVISOR_VAULT_ENC_KEY   Supavisor's VAULT_ENC_KEY. Without it Carpool's own VAULT_ENC_KEY is taken
`;

/** Adds the subcommand to `group`. */
export function addImportSupavisor(
  program: Command,
  group: Command,
  context: CommandContext,
  finish: Finish,
): void {
  group
    .command("supavisor")
    .description("take over the tenants, users and clusters of a Supavisor, all or none")
    .option("--from <url>", "Supavisor's metadata database, postgres://…")
    .option("--dry-run", "show what would be taken over, and change nothing")
    .addHelpText("after", AFTER_HELP)
    .action(async (options: ImportOptions) => {
      finish(await importSupavisor(context, { ...program.opts<GlobalOptions>(), ...options }));
    });
}

async function importSupavisor(context: CommandContext, options: ImportOptions): Promise<ExitCode> {
  const { env } = context;
  const url = options.from ?? env["SUPAVISOR_DATABASE_URL"];
  if (url === undefined) {
    context.writeError("error: where is Supavisor's database? --from postgres://…\n");
    return EXIT_CODE.usage;
  }
  const settings = tellSettings(context, options.config ?? null);
  if (settings === null) return EXIT_CODE.failed;
  try {
    const { outcome, text } = await importFromSupavisor(settings.config, context.workingDirectory, {
      url,
      key: env["SUPAVISOR_VAULT_ENC_KEY"] ?? env["VAULT_ENC_KEY"] ?? null,
      dryRun: options.dryRun ?? false,
    });
    if (outcome === "invalid") {
      context.writeError(`${text}\nerror: nothing was imported\n`);
      return EXIT_CODE.failed;
    }
    context.writeOut(`${text}${outcome === "planned" ? " (dry run: nothing was changed)" : ""}\n`);
    return EXIT_CODE.done;
  } catch (error) {
    context.writeError(`error: ${describeFailure(error)}\n`);
    return EXIT_CODE.failed;
  }
}

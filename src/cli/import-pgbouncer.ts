/**
 * `carpool import pgbouncer.ini`: takes over the databases, users and settings of a PgBouncer.
 */

import type { Command } from "commander";
import { describeFailure } from "../app/start-errors.ts";
import {
  type ImportPgBouncerOptions,
  type ImportResult,
  importPgBouncerFile,
} from "../app/verbs/import-pgbouncer.ts";
import type { CommandContext } from "./command-context.ts";
import { EXIT_CODE, type ExitCode } from "./exit-code.ts";
import { tellSettings } from "./read-settings.ts";
import type { Finish, GlobalOptions } from "./verb.ts";

interface ImportFlags extends GlobalOptions {
  readonly dryRun?: true;
  readonly printYaml?: true;
  readonly withSecrets?: true;
  readonly withoutHba?: true;
  readonly settingsFile?: string;
  readonly force?: true;
}

const AFTER_HELP = `
Standard output has the tenants, standard error the report: for each line of the files what was taken
over, what has another name, and what has no counterpart. If anything is refused, nothing is written.

Clients of PgBouncer name a database and no tenant: --settings-file writes TENANT_BY_DATABASE with the rest.
See docs/moving-from-pgbouncer.md.
`;

/** Adds the subcommand to `group`, which takes it where it is given nothing but a file. */
export function addImportPgBouncer(
  program: Command,
  group: Command,
  context: CommandContext,
  finish: Finish,
): void {
  group
    .command("pgbouncer", { isDefault: true })
    .description(
      "take over a pgbouncer.ini: databases, users, settings (`pgbouncer` may be left out)",
    )
    .argument("<file>", "a pgbouncer.ini; the files that it names are read too")
    .option("--dry-run", "show what would change, and change nothing")
    .option("--print-yaml", "print a tenant file for `carpool apply`, and change nothing")
    .option("--with-secrets", "print passwords too")
    .option("--without-hba", "leave the rules of auth_hba_file out")
    .option("--settings-file <path>", "write the settings there, as a carpool.yaml")
    .option("--force", "overwrite the settings file")
    .addHelpText("after", AFTER_HELP)
    .action(async (file: string, flags: ImportFlags) => {
      finish(await importFile(context, file, { ...program.opts<GlobalOptions>(), ...flags }));
    });
}

async function importFile(
  context: CommandContext,
  file: string,
  flags: ImportFlags,
): Promise<ExitCode> {
  const settings = tellSettings(context, flags.config ?? null);
  if (settings === null) return EXIT_CODE.failed;
  try {
    const result = await importPgBouncerFile(
      settings.config,
      context.workingDirectory,
      optionsOf(file, flags),
    );
    return tell(context, result);
  } catch (error) {
    context.writeError(`error: ${describeFailure(error)}\n`);
    return EXIT_CODE.failed;
  }
}

function optionsOf(file: string, flags: ImportFlags): ImportPgBouncerOptions {
  return {
    file,
    dryRun: flags.dryRun ?? false,
    print: printOf(flags),
    withoutHba: flags.withoutHba ?? false,
    settingsFile: flags.settingsFile ?? null,
    force: flags.force ?? false,
  };
}

function printOf({ printYaml, withSecrets }: ImportFlags): ImportPgBouncerOptions["print"] {
  if (printYaml === undefined) return "none";
  return withSecrets === undefined ? "without secrets" : "with secrets";
}

function tell(context: CommandContext, { outcome, report, text }: ImportResult): ExitCode {
  context.writeError(`${report}\n`);
  if (outcome === "refused") {
    context.writeError(`error: ${text}\n`);
    return EXIT_CODE.failed;
  }
  const note = outcome === "planned" ? " (dry run: nothing was changed)\n" : "\n";
  context.writeOut(outcome === "printed" ? text : `${text}${note}`);
  return EXIT_CODE.done;
}

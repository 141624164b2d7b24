/**
 * `carpool doctor TENANT`: tries everything that a client of the tenant would need.
 */

import { describeFailure } from "../app/start-errors.ts";
import { diagnose } from "../app/verbs/doctor.ts";
import type { CommandContext } from "./command-context.ts";
import { EXIT_CODE, type ExitCode } from "./exit-code.ts";
import { tellSettings } from "./read-settings.ts";
import type { GlobalOptions, Verb } from "./verb.ts";

interface DoctorFlags extends GlobalOptions {
  readonly user?: string;
  readonly json?: true;
}

const AFTER_HELP = `
Exit codes: 0 no problem (there may be warnings), 1 a problem, 2 command line not understood.
`;

/** Adds the verb. */
export const addDoctor: Verb = (program, context, finish) => {
  program
    .command("doctor")
    .description("try everything that a client of a tenant would need, and say what to fix")
    .argument("<tenant>", "its external_id")
    .option("--user <name>", "look at this user only, or ask auth_query for it")
    .option("--json", "for programs")
    .addHelpText("after", AFTER_HELP)
    .action(async (tenant: string, flags: DoctorFlags) => {
      finish(await doctor(context, tenant, { ...program.opts<GlobalOptions>(), ...flags }));
    });
};

async function doctor(
  context: CommandContext,
  tenant: string,
  flags: DoctorFlags,
): Promise<ExitCode> {
  const settings = tellSettings(context, flags.config ?? null);
  if (settings === null) return EXIT_CODE.failed;
  try {
    const ok = await diagnose(settings.config, context.workingDirectory, {
      tenant,
      user: flags.user ?? null,
      format: flags.json ? "json" : "text",
      write: (line) => context.writeOut(`${line}\n`),
    });
    return ok ? EXIT_CODE.done : EXIT_CODE.failed;
  } catch (error) {
    context.writeError(`error: ${describeFailure(error)}\n`);
    return EXIT_CODE.failed;
  }
}

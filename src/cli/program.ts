/**
 * The command line: its verbs and its help.
 */

import { Command } from "commander";
import packageJson from "../../package.json" with { type: "json" };
import { addApply } from "./apply.ts";
import { addCheck } from "./check.ts";
import type { CommandContext } from "./command-context.ts";
import { addDoctor } from "./doctor.ts";
import { addHelp } from "./help.ts";
import { addImport } from "./import.ts";
import { addQuickstart } from "./quickstart.ts";
import { addStart } from "./start.ts";
import { addTenants } from "./tenants.ts";
import { addToken } from "./token.ts";
import type { Finish, Verb } from "./verb.ts";

/** In the order that `--help` shows them. */
const VERBS: readonly Verb[] = [
  addQuickstart,
  addStart,
  addApply,
  addImport,
  addTenants,
  addDoctor,
  addToken,
  addCheck,
  addHelp,
];

const AFTER_HELP = `
Examples:
  $ carpool quickstart                   try it, with a PostgreSQL of its own
  $ carpool start                        run the pooler
  $ carpool apply tenants.yaml           register the tenants of a file
  $ carpool import supavisor             take over the tenants of a Supavisor
  $ carpool import pgbouncer.ini         take over a PgBouncer's databases and users
  $ carpool token                        a token for the HTTP API, good for an hour
  $ carpool doctor acme                  what a client of tenant acme would meet
  $ carpool check                        what is wrong with the settings, or what they are
  $ carpool check --config prod.yaml     the same, with another settings file
  $ PORT=4001 carpool check              the environment wins over the file
  $ carpool help settings                every setting, its range and its default

Settings come from environment variables and from carpool.yaml in the working directory.
They are explained by \`carpool help settings\` and in docs/settings.md.

Exit codes: 0 done, 1 failed (standard error says why), 2 command line not understood.
`;

/** Returns the command, ready to parse. It throws a CommanderError instead of ending the process. */
export function createProgram(context: CommandContext, finish: Finish): Command {
  const program = new Command("carpool")
    .description(packageJson.description)
    .version(packageJson.version, "-V, --version", "print the version")
    .option("-c, --config <file>", "settings file, instead of ./carpool.yaml")
    .helpOption("-h, --help", "show this help")
    .helpCommand(false)
    .configureHelp({ showGlobalOptions: true })
    .configureOutput({
      writeOut: (text) => context.writeOut(text),
      writeErr: (text) => context.writeError(text),
    })
    .showHelpAfterError("(`carpool --help` shows the verbs)")
    .addHelpText("after", AFTER_HELP)
    .exitOverride();
  for (const addVerb of VERBS) addVerb(program, context, finish);
  return program;
}

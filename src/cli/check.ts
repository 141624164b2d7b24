/**
 * `carpool check`: what is wrong with the settings, or what they are.
 * Looks at the machine too (files, descriptor limit), but starts nothing and changes nothing.
 */

import { connectionShares } from "../config/descriptor-limit.ts";
import type { EffectiveSetting } from "../config/load-settings.ts";
import { describeOrigin } from "../config/origin.ts";
import type { Config } from "../config/settings.ts";
import { workersOf } from "../config/workers-of.ts";
import type { CommandContext } from "./command-context.ts";
import { EXIT_CODE, type ExitCode } from "./exit-code.ts";
import { tellSettings } from "./read-settings.ts";
import type { GlobalOptions, Verb } from "./verb.ts";

/** Stands for a value that a setting does not have. */
const NOT_SET = "(not set)";

/** Adds the verb. */
export const addCheck: Verb = (program, context, finish) => {
  program
    .command("check")
    .description("tell what is wrong with the settings, or print them with their sources")
    .action(() => {
      const { config } = program.opts<GlobalOptions>();
      finish(check(context, config ?? null));
    });
};

function check(context: CommandContext, fileName: string | null): ExitCode {
  const settings = tellSettings(context, fileName);
  if (settings === null) return EXIT_CODE.failed;
  context.writeOut(describeSettings(settings.effective));
  context.writeOut(`\n${describeClients(settings.config, settings.descriptorLimit)}\n`);
  return EXIT_CODE.done;
}

/** A line a setting, in columns. */
function describeSettings(settings: readonly EffectiveSetting[]): string {
  const nameWidth = Math.max(...settings.map(({ name }) => name.length));
  const shownWidth = Math.max(...settings.map(({ shown }) => (shown ?? NOT_SET).length));
  return settings
    .map(({ name, shown, origin }) => {
      const columns = [name.padEnd(nameWidth), (shown ?? NOT_SET).padEnd(shownWidth)];
      return `${columns.join("  ")}  ${describeOrigin(origin)}\n`;
    })
    .join("");
}

function describeClients(config: Config, descriptorLimit: number | null): string {
  const limit = descriptorLimit === null ? "unknown" : String(descriptorLimit);
  const { maxConnections } = config;
  const { clients, servers } = connectionShares(maxConnections, descriptorLimit, workersOf(config));
  const room = Number.isFinite(servers) ? ` and ${servers} servers` : "";
  return `The settings are in order: up to ${clients} clients${room} a process (descriptor limit: ${limit}).`;
}

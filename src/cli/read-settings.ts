/**
 * The settings as every verb reads them: from the environment and the file, and held against the machine.
 */

import { checkFiles } from "../config/check-files.ts";
import { checkDescriptors, readDescriptorLimit } from "../config/descriptor-limit.ts";
import { loadConfig } from "../config/load-config.ts";
import type { EffectiveSetting } from "../config/load-settings.ts";
import { readSettingsFile } from "../config/read-settings-file.ts";
import type { Config } from "../config/settings.ts";
import { workersOf } from "../config/workers-of.ts";
import type { CommandContext } from "./command-context.ts";

export type ReadSettings =
  | {
      readonly ok: true;
      readonly config: Config;
      readonly effective: readonly EffectiveSetting[];
      readonly descriptorLimit: number | null;
      readonly warnings: readonly string[];
    }
  | {
      readonly ok: false;
      readonly problems: readonly string[];
      readonly warnings: readonly string[];
    };

/** Returns the settings, or all that is wrong with them. `fileName` is what `--config` named, or null. */
export function readSettings(context: CommandContext, fileName: string | null): ReadSettings {
  const reading = readSettingsFile(context.workingDirectory, fileName);
  if (!reading.ok) return { ok: false, problems: [reading.problem], warnings: [] };
  const loaded = loadConfig({ env: context.env, file: reading.file });
  if (!loaded.ok) return loaded;
  const { config, effective } = loaded;
  const descriptorLimit = readDescriptorLimit();
  const findings = [
    checkFiles(config, context.workingDirectory, context.now()),
    checkDescriptors(config.maxConnections, descriptorLimit, workersOf(config)),
  ];
  const warnings = [...loaded.warnings, ...findings.flatMap((finding) => finding.warnings)];
  const problems = findings.flatMap((finding) => finding.problems);
  if (problems.length > 0) return { ok: false, problems, warnings };
  return { ok: true, config, effective, descriptorLimit, warnings };
}

/** Tells warnings and problems. Returns the settings, or null if they are not in order. */
export function tellSettings(
  context: CommandContext,
  fileName: string | null,
): Extract<ReadSettings, { ok: true }> | null {
  const reading = readSettings(context, fileName);
  for (const warning of reading.warnings) context.writeError(`warning: ${warning}\n`);
  if (reading.ok) return reading;
  for (const problem of reading.problems) context.writeError(`error: ${problem}\n`);
  return null;
}

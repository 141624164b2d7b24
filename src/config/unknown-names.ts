/**
 * Judges the names in the environment and in `carpool.yaml` that are no settings of ours.
 */

import type { Findings } from "./findings.ts";
import { isServiceVariable, looksMisspelt, suggestName } from "./misspelt-names.ts";
import { describeOrigin, type Origin, type WrittenSetting } from "./origin.ts";
import { SUPAVISOR_SETTINGS } from "./supavisor-settings.ts";

const ENVIRONMENT: Origin = { kind: "environment" };

/** Variables by name. An empty one counts as not set. */
export type Environment = Readonly<Record<string, string | undefined>>;

/** Finds the variables of `env` that were meant for us, though none of `known` is called so. */
export function judgeEnvironment(env: Environment, known: readonly string[]): Findings {
  const problems: string[] = [];
  const warnings: string[] = [];
  for (const [name, value = ""] of Object.entries(env)) {
    if (value === "" || known.includes(name) || isServiceVariable(name, value)) continue;
    const supavisors = SUPAVISOR_SETTINGS.get(name);
    if (supavisors !== undefined) {
      if (!supavisors.ordinary) warnings.push(explain(name, supavisors.explanation, ENVIRONMENT));
    } else if (looksMisspelt(name, known)) problems.push(refuse(name, known, ENVIRONMENT));
  }
  return { problems, warnings };
}

/** Finds the settings of the file that are none of `known`: all of them were meant for us. */
export function judgeFile(
  settings: ReadonlyMap<string, WrittenSetting>,
  known: readonly string[],
): Findings {
  const problems: string[] = [];
  const warnings: string[] = [];
  for (const [name, { origin }] of settings) {
    if (known.includes(name)) continue;
    const supavisors = SUPAVISOR_SETTINGS.get(name);
    if (supavisors === undefined) problems.push(refuse(name, known, origin));
    else warnings.push(explain(name, supavisors.explanation, origin));
  }
  return { problems, warnings };
}

function explain(name: string, explanation: string, origin: Origin): string {
  return `${name} (${describeOrigin(origin)}) has no effect: ${explanation}`;
}

function refuse(name: string, known: readonly string[], origin: Origin): string {
  const suggestion = suggestName(name, known);
  const advice =
    suggestion === null ? "`carpool help settings` lists them all" : `did you mean ${suggestion}?`;
  return `${name} (${describeOrigin(origin)}) is not a setting of Carpool; ${advice}`;
}

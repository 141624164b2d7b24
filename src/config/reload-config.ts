/**
 * Which settings a running process may take over, and which wait for a restart.
 */

import { isDeepStrictEqual } from "node:util";
import { type Config, SETTINGS } from "./settings.ts";

export interface ReloadedConfig {
  /** `current` with the reloadable values of `next`. */
  readonly config: Config;
  /** Names of the settings that differ in `next` and hold only after a restart, in table order. */
  readonly restartNames: readonly string[];
}

/** Merges a freshly loaded config into the one that runs. Neither argument is changed. */
export function reloadConfig(current: Config, next: Config): ReloadedConfig {
  const kept: Record<string, unknown> = {};
  const restartNames: string[] = [];
  for (const property of propertiesOf(SETTINGS)) {
    const setting = SETTINGS[property];
    if (setting.reloadable) continue;
    kept[property] = current[property];
    // Lists are compared by what is in them.
    if (!isDeepStrictEqual(current[property], next[property])) restartNames.push(setting.name);
  }
  return { config: { ...next, ...kept }, restartNames };
}

function propertiesOf<Table extends object>(table: Table): readonly (keyof Table)[] {
  // Object.keys says string[], since a type may have less properties than its value. This has not.
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion
  return Object.keys(table) as (keyof Table)[];
}

/**
 * The settings of this process: our table, loaded, with the relations between its values checked.
 */

import { adviseOnApi } from "./api-advice.ts";
import { type LoadedSettings, loadSettings, type SettingSources } from "./load-settings.ts";
import { checkRelations } from "./relations.ts";
import { SETTINGS } from "./settings.ts";

export type LoadedConfig = LoadedSettings<typeof SETTINGS>;

/**
 * Returns the config, or all that is wrong with it. Relations are judged once every single value
 * is right. Whether files exist and limits suffice is the machine's affair: `check-files.ts`, `descriptor-limit.ts`.
 */
export function loadConfig(sources: SettingSources): LoadedConfig {
  const loaded = loadSettings(SETTINGS, sources);
  if (!loaded.ok) return loaded;
  const problems = checkRelations(loaded.config);
  const warnings = [...loaded.warnings, ...adviseOnApi(loaded.config)];
  return problems.length === 0 ? { ...loaded, warnings } : { ok: false, problems, warnings };
}

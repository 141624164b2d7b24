/**
 * `carpool import supavisor`: from Supavisor's database into the store of the settings.
 */

import type { Config } from "../../config/settings.ts";
import { supavisorKey } from "../../control/supavisor/cloak-secret.ts";
import { type ImportResult, importSupavisor } from "../../control/supavisor/import-supavisor.ts";
import { openStore } from "../open-store.ts";
import { programParts } from "../program-parts.ts";
import { readSupavisor } from "./supavisor-database.ts";

export interface SupavisorSource {
  /** Of Supavisor's metadata database. */
  readonly url: string;
  /** Supavisor's VAULT_ENC_KEY, or null where nobody has told it. */
  readonly key: string | null;
  readonly dryRun: boolean;
}

/** Works beside a running Carpool, and beside a running Supavisor. */
export async function importFromSupavisor(
  config: Config,
  workingDirectory: string,
  { url, key, dryRun }: SupavisorSource,
): Promise<ImportResult> {
  const options = {
    key: supavisorKey(key),
    dryRun,
    context: { globalUpstreamCa: config.globalUpstreamCaPath !== null },
  };
  const rows = await readSupavisor(url);
  const { store } = await openStore(config, programParts(workingDirectory));
  try {
    return await importSupavisor(store, rows, options);
  } finally {
    await store.close();
  }
}

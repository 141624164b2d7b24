/**
 * The store of the tenants bench, by the URL that DATABASE_URL would have.
 */

import { openStore } from "../../src/app/open-store.ts";
import { programParts } from "../../src/app/program-parts.ts";
import { loadConfig } from "../../src/config/load-config.ts";
import type { TenantStore } from "../../src/tenants/tenant-store.ts";

/** One key for who writes and who reads. */
const VAULT_KEY = "a key for benchmarks of 32 bytes";

/** Opens the store as `carpool start` does. `folder` gets what a Carpool keeps. */
export async function openBenchStore(url: string, folder: string): Promise<TenantStore> {
  const env = { DATABASE_URL: url, DATA_DIRECTORY: folder, VAULT_ENC_KEY: VAULT_KEY };
  const loaded = loadConfig({ env, file: null });
  if (!loaded.ok) throw new Error(loaded.problems.join("\n"));
  return (await openStore(loaded.config, programParts(folder))).store;
}

/** How the tenants of the bench are called, from 0. */
export function tenantName(index: number): string {
  return `tenant_${index}`;
}

/**
 * `carpool apply` and `carpool tenants`: what the control room offers, on the store of the settings.
 * Works beside a running Carpool, which hears of every change.
 */

import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import type { Config } from "../../config/settings.ts";
import { type ApplyResult, applyTenants } from "../../control/apply-tenants.ts";
import { listTenants, renderTenantTable } from "../../control/list-tenants.ts";
import type { TenantStore } from "../../tenants/tenant-store.ts";
import { openStore } from "../open-store.ts";
import { programParts } from "../program-parts.ts";

export interface ApplyFileOptions {
  readonly file: string;
  readonly prune: boolean;
  readonly dryRun: boolean;
}

/** Puts the tenants of a file into the store. Throws the system's error if the file can't be read. */
export async function applyTenantFile(
  config: Config,
  workingDirectory: string,
  options: ApplyFileOptions,
): Promise<ApplyResult> {
  const text = readFileSync(resolve(workingDirectory, options.file), "utf8");
  return withStore(config, workingDirectory, (store) =>
    applyTenants(store, {
      ...options,
      text,
      context: { globalUpstreamCa: config.globalUpstreamCaPath !== null },
    }),
  );
}

/** Returns the tenants as a table, or as JSON for programs. No password is in either. */
export async function showTenants(
  config: Config,
  workingDirectory: string,
  format: "table" | "json",
): Promise<string> {
  return withStore(config, workingDirectory, async (store) =>
    format === "table"
      ? renderTenantTable(store)
      : JSON.stringify(await listTenants(store), null, 2),
  );
}

/** Opens the store of the settings for `use`, and closes it. */
export async function withStore<Result>(
  config: Config,
  workingDirectory: string,
  use: (store: TenantStore) => Promise<Result>,
): Promise<Result> {
  const { store } = await openStore(config, programParts(workingDirectory));
  try {
    return await use(store);
  } finally {
    await store.close();
  }
}

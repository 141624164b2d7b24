/**
 * `carpool import pgbouncer.ini`: PgBouncer's files into the store of the settings, and into a settings file.
 */

import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, resolve } from "node:path";
import type { Config } from "../../config/settings.ts";
import { putTenants } from "../../control/apply-tenants.ts";
import { importPgBouncer, type PgBouncerImport } from "../../control/import/import-pgbouncer.ts";
import { renderRemarks } from "../../control/import/import-remark.ts";
import { renderSettingsYaml, renderTenantYaml } from "../../control/import/import-yaml.ts";
import { renderMovingPage } from "../../control/import/moving-page.ts";
import { withStore } from "./manage-tenants.ts";

export interface ImportPgBouncerOptions {
  readonly file: string;
  readonly dryRun: boolean;
  /** Returns the tenants as YAML, and writes nothing. */
  readonly print: "none" | "without secrets" | "with secrets";
  readonly withoutHba: boolean;
  /** Where the settings go; null: nowhere. */
  readonly settingsFile: string | null;
  /** Overwrites the settings file. */
  readonly force: boolean;
}

/** `report`: what became of each line. `text`: the plan, or what was printed. */
export interface ImportResult {
  readonly outcome: "refused" | "printed" | "planned" | "applied" | "unchanged";
  readonly report: string;
  readonly text: string;
}

/** The settings file is there already, and nobody said that it may go. */
export class SettingsFileExistsError extends Error {
  override readonly name = "SettingsFileExistsError";

  constructor(path: string) {
    super(`${path} exists: name another file, or overwrite it with --force`);
  }
}

/** All tenants are written or none, and the settings file after them. Throws the system's errors. */
export async function importPgBouncerFile(
  config: Config,
  workingDirectory: string,
  options: ImportPgBouncerOptions,
): Promise<ImportResult> {
  const imported = readImport(config, workingDirectory, options);
  const report = renderRemarks(imported.remarks);
  if (!imported.ok) return { outcome: "refused", report, text: "nothing was changed" };
  if (options.print !== "none") {
    const text = renderTenantYaml(imported.tenants, options.print === "with secrets");
    return { outcome: "printed", report, text };
  }
  const settingsPath =
    options.settingsFile === null ? null : resolve(workingDirectory, options.settingsFile);
  if (settingsPath !== null && !options.force && existsSync(settingsPath))
    throw new SettingsFileExistsError(settingsPath);
  const applied = await withStore(config, workingDirectory, (store) =>
    putTenants(store, imported.tenants, {
      file: options.file,
      prune: false,
      dryRun: options.dryRun,
    }),
  );
  if (applied.outcome === "invalid") return { outcome: "refused", report, text: applied.text };
  if (settingsPath !== null && !options.dryRun)
    writeFileSync(settingsPath, renderSettingsYaml(imported.settings), {
      flag: options.force ? "w" : "wx",
    });
  return { outcome: applied.outcome, report, text: applied.text };
}

/** Returns the page docs/moving-from-pgbouncer.md. */
export function explainImport(): string {
  return renderMovingPage();
}

/** Files that it names are looked for as PgBouncer would, then beside it. */
function readImport(
  config: Config,
  workingDirectory: string,
  { file, withoutHba }: ImportPgBouncerOptions,
): PgBouncerImport {
  const path = resolve(workingDirectory, file);
  const folders = [workingDirectory, dirname(path)];
  const readText = (name: string): string | null => {
    const found = folders.map((folder) => resolve(folder, name)).find(isReadable);
    return found === undefined ? null : readFileSync(found, "utf8");
  };
  const text = readFileSync(path, "utf8");
  return importPgBouncer({ file, text, readText, withoutHba, context: contextOf(config) });
}

function isReadable(path: string): boolean {
  try {
    readFileSync(path);
    return true;
  } catch {
    return false; // the report names the line that names the file
  }
}

function contextOf(config: Config) {
  return { globalUpstreamCa: config.globalUpstreamCaPath !== null };
}

/**
 * Finds `carpool.yaml` and reads it.
 */

import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { describeFileError } from "./file-error.ts";
import type { SettingsFile } from "./parse-settings-file.ts";

const DEFAULT_NAME = "carpool.yaml";

export type SettingsFileReading =
  | { readonly ok: true; readonly file: SettingsFile | null }
  | { readonly ok: false; readonly problem: string };

/**
 * Reads the file that `--config` named, or `carpool.yaml` in `workingDirectory` where it named none
 * (`null`). Only the latter may be missing: then `file` is null.
 */
export function readSettingsFile(
  workingDirectory: string,
  named: string | null,
): SettingsFileReading {
  const name = named ?? DEFAULT_NAME;
  const path = resolve(workingDirectory, name);
  try {
    return { ok: true, file: { name, text: readFileSync(path, "utf8") } };
  } catch (error) {
    const fault = describeFileError(error);
    if (fault.isMissing && named === null) return { ok: true, file: null };
    return { ok: false, problem: `${name}: ${fault.text}` };
  }
}

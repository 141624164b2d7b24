/**
 * The certificates of the authorities that all tenants' servers are verified by.
 */

import { readFileSync } from "node:fs";
import type { Config } from "../config/settings.ts";

/** Returns the PEM of GLOBAL_UPSTREAM_CA_PATH, or null where there is none. Throws the system's error. */
export function readAuthority({ globalUpstreamCaPath }: Config): string | null {
  return globalUpstreamCaPath === null ? null : readFileSync(globalUpstreamCaPath, "utf8");
}

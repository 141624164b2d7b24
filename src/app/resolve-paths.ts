/**
 * Settings with their relative paths resolved: what runs for months must not depend on where it was started.
 */

import { resolve } from "node:path";
import type { Config } from "../config/settings.ts";

/** Returns `config` with absolute paths; relative ones count from `workingDirectory`. */
export function resolvePaths(config: Config, workingDirectory: string): Config {
  const absolute = (path: string | null) =>
    path === null ? null : resolve(workingDirectory, path);
  return {
    ...config,
    dataDirectory: resolve(workingDirectory, config.dataDirectory),
    globalDownstreamCertPath: absolute(config.globalDownstreamCertPath),
    globalDownstreamKeyPath: absolute(config.globalDownstreamKeyPath),
    globalUpstreamCaPath: absolute(config.globalUpstreamCaPath),
  };
}

/**
 * Settings that came from the supervisor: it has checked them; this is whether they are those of this version.
 */

import { type Config, SETTINGS } from "../../config/settings.ts";

/** Returns whether `value` has every setting that this program knows. */
export function isConfig(value: unknown): value is Config {
  if (typeof value !== "object" || value === null) return false;
  return Object.keys(SETTINGS).every((name) => name in value);
}

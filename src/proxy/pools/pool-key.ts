/**
 * Tells a tenant's pools apart.
 */

import type { PoolMode } from "./pool-name.ts";

/**
 * Returns the same for the same pool only.
 * @param tokenHash of the token by which its servers are opened; null: by a password
 */
export function poolKey(
  alias: string,
  database: string,
  mode: PoolMode,
  tokenHash: string | null,
): string {
  return JSON.stringify([alias, database, mode, tokenHash]);
}

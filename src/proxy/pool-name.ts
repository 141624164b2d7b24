/**
 * Whose servers a pool has.
 */

export type PoolMode = "transaction" | "session";

/** For the log: whose servers these are. */
export interface PoolName {
  readonly tenant: string;
  readonly mode: PoolMode;
}

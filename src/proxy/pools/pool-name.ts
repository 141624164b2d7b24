/**
 * Whose servers a pool has.
 */

export type PoolMode = "transaction" | "session";

/** For the log: whose servers these are. */
export interface PoolName {
  readonly tenant: string;
  /** The name that its clients log in with. */
  readonly user: string;
  readonly mode: PoolMode;
}

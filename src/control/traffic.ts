/**
 * What runs for a tenant now, and the verbs that stop it: for all workers or for one. A tenant for which
 * nothing runs is no error.
 */

import type { TenantError } from "../proxy/last-errors.ts";
import type { AddressBan } from "../proxy/login/address-bans.ts";
import type { PoolMode } from "../proxy/pools/pool-name.ts";

export interface Traffic {
  /** Returns what runs for the tenant; zeros where nothing does. */
  state(externalId: string): Promise<TenantState>;
  /** Ends the tenant's clients (57P01) and servers, those in a transaction too. New clients are welcome at once. */
  terminate(externalId: string): Promise<EndedTraffic>;
  /**
   * Lends no server to the tenant's clients any more, who stay connected and wait; new ones may log in.
   * Resolves when all servers are back and closed; or after `timeoutMs` with `paused: false`, and then
   * lending goes on. Native clients have servers of their own and are not touched. Throws a
   * TenantNotFoundError.
   */
  pause(externalId: string, timeoutMs: number): Promise<PauseOutcome>;
  /** Ends a pause; a no-op where there is none. */
  resume(externalId: string): Promise<void>;
  /**
   * Ends idle clients at once and the others after their transactions, at the latest after `timeoutMs`; then
   * the servers. New clients are welcome meanwhile.
   */
  drain(externalId: string, timeoutMs: number): Promise<EndedTraffic>;
  addressBans(externalId: string): Promise<readonly AddressBan[]>;
  /** Returns those that are left. */
  liftAddressBans(externalId: string, addresses: readonly string[]): Promise<readonly AddressBan[]>;
  /**
   * Takes over what has been written to the tenant store, so that the next login sees it. Resolves when that is
   * done, or after half a second: then it is still done. Never rejects.
   */
  refresh(): Promise<void>;
}

/** How many there were. */
export interface EndedTraffic {
  readonly clients: number;
  readonly servers: number;
}

export interface PauseOutcome {
  readonly paused: boolean;
  /** Servers that are not closed yet. */
  readonly servers: number;
}

export interface TenantState {
  readonly externalId: string;
  readonly paused: boolean;
  /** Logged in, native ones included. */
  readonly clients: number;
  readonly clientsWaiting: number;
  /** In whatever state, those of native clients included: what `max_server_connections` limits. */
  readonly servers: number;
  readonly serversIdle: number;
  readonly serversActive: number;
  readonly pins: number;
  readonly pools: readonly PoolState[];
  /** The last ten, newest first. */
  readonly lastErrors: readonly TenantError[];
}

export interface PoolState {
  /** The name that clients log in with. */
  readonly user: string;
  readonly database: string;
  readonly mode: PoolMode;
  readonly size: number;
  readonly clients: number;
  readonly waiting: number;
  readonly serversIdle: number;
  readonly serversActive: number;
  readonly serversOpening: number;
  readonly pins: number;
  readonly paused: boolean;
  /** Why the latest server could not be opened; null: it could. */
  readonly lastError: string | null;
}

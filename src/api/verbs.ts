/**
 * The operator's verbs as the API calls them: the part of `control` that it needs. Times are in milliseconds.
 */

import type { Actor } from "../control/audit.ts";
import type { PublicTenant } from "../control/public-tenant.ts";

/** A page of a list, in the order of names. */
export interface Page {
  /** Only those behind this name. */
  readonly after: string | null;
  readonly limit: number;
}

export interface TenantPageAsked extends Page {
  /** A part of the name, or null: all. */
  readonly search: string | null;
  /** Only those that are banned now, or only those that are not. */
  readonly banned: boolean | null;
}

/** All reject with the errors of `control-errors.ts`. */
export interface TenantVerbs {
  list(page: TenantPageAsked): Promise<{
    readonly tenants: readonly PublicTenant[];
    readonly next: string | null;
  }>;
  get(externalId: string): Promise<PublicTenant>;
  put(
    actor: Actor,
    externalId: string,
    input: unknown,
  ): Promise<{
    readonly outcome: "created" | "updated" | "unchanged";
    readonly tenant: PublicTenant;
  }>;
  setBan(actor: Actor, externalId: string, input: unknown): Promise<PublicTenant>;
  delete(actor: Actor, externalId: string): Promise<void>;
  updateCredentials(actor: Actor, externalId: string, input: unknown): Promise<void>;
}

export interface PublicClusterTenant {
  readonly id: string;
  readonly type: "read" | "write";
  readonly active: boolean;
  readonly cluster_alias: string;
  readonly tenant_external_id: string;
  readonly inserted_at: string;
  readonly updated_at: string;
}

export interface PublicCluster {
  readonly id: string;
  readonly alias: string;
  readonly active: boolean;
  readonly inserted_at: string;
  readonly updated_at: string;
  readonly cluster_tenants: readonly PublicClusterTenant[];
}

export interface ClusterVerbs {
  list(page: Page): Promise<{
    readonly clusters: readonly PublicCluster[];
    readonly next: string | null;
  }>;
  get(alias: string): Promise<PublicCluster>;
  put(
    actor: Actor,
    alias: string,
    input: unknown,
  ): Promise<{
    readonly outcome: "created" | "updated" | "unchanged";
    readonly cluster: PublicCluster;
  }>;
  delete(actor: Actor, alias: string): Promise<void>;
}

export interface BannedAddress {
  readonly address: string;
  /** Since 1970. */
  readonly bannedUntilMs: number;
}

/** What runs for a tenant now, and how it is stopped. A tenant for which nothing runs is no error. */
export interface TrafficVerbs {
  state(externalId: string): Promise<TrafficState>;
  terminate(externalId: string): Promise<{ readonly clients: number; readonly servers: number }>;
  pause(
    externalId: string,
    timeoutMs: number,
  ): Promise<{ readonly paused: boolean; readonly servers: number }>;
  resume(externalId: string): Promise<void>;
  drain(
    externalId: string,
    timeoutMs: number,
  ): Promise<{ readonly clients: number; readonly servers: number }>;
  addressBans(externalId: string): Promise<readonly BannedAddress[]>;
  /** Returns those that are left. */
  liftAddressBans(
    externalId: string,
    addresses: readonly string[],
  ): Promise<readonly BannedAddress[]>;
}

export interface TrafficState {
  readonly externalId: string;
  readonly paused: boolean;
  readonly clients: number;
  readonly clientsWaiting: number;
  readonly servers: number;
  readonly serversIdle: number;
  readonly serversActive: number;
  readonly pins: number;
  readonly pools: readonly PoolTraffic[];
  /** The last ten, newest first, without secrets. */
  readonly lastErrors: readonly TrafficError[];
}

export interface PoolTraffic {
  readonly user: string;
  readonly database: string;
  readonly mode: string;
  readonly size: number;
  readonly clients: number;
  readonly waiting: number;
  readonly serversIdle: number;
  readonly serversActive: number;
  readonly serversOpening: number;
  readonly pins: number;
  readonly paused: boolean;
  readonly lastError: string | null;
}

export interface TrafficError {
  readonly at: string;
  readonly sqlstate: string;
  readonly message: string;
  readonly where: "client" | "server";
}

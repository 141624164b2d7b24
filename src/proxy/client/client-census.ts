/**
 * Where clients are counted whose limits hold over several workers: elsewhere, so that it takes a moment to
 * ask. A worker that is alone has none, and counts by itself.
 */

import type { StoredTenant } from "../../tenants/tenant.ts";

/** What a client counts for. */
export interface ClientPlace {
  readonly tenant: string;
  /** The name that it logs in with. */
  readonly alias: string;
  /** Names its pool, another one for each; null: a native client has none. */
  readonly pool: string | null;
}

/** What the tenant's record allows. */
export interface PlaceLimits {
  /** `max_client_connections`; null: no limit. */
  readonly tenantMax: number | null;
  /** `max_clients` of the user. */
  readonly userMax: number;
  /** `max_pools`. */
  readonly poolsMax: number;
}

export interface ClientCensus {
  /** Whether clients of this tenant may be at other workers, too: then each must {@link enter}. */
  covers(tenant: StoredTenant): boolean;
  /** A login begins. Rejects with a ConnectionRateError where there were too many of late, or if nobody answers. */
  begin(tenant: string, rate: number): Promise<void>;
  /**
   * Counts a client that has proven who it is, and resolves with its place, which it shares with its likes.
   * Rejects with a TooManyTenantClientsError, TooManyClientsError or TooManyPoolsError, or if nobody answers; then
   * it is not counted.
   */
  enter(place: ClientPlace, limits: PlaceLimits): Promise<ClientPlace>;
  /** Counts a client of `tenant` that is in: one that need not enter, or that had been let in by another worker. */
  join(place: ClientPlace, tenant: StoredTenant): ClientPlace;
  /** A client that has entered or joined is gone. To be called once for each. */
  leave(place: ClientPlace): void;
  /** The tenant's record is another one, or gone (null). */
  follow(tenantId: string, tenant: StoredTenant | null): void;
}

/**
 * All pools of this worker, by tenant. A tenant's are made when its first client needs one, and forgotten
 * when nobody uses them.
 */

import type { PoolerError } from "../../base/pooler-error.ts";
import type { StoredTenant } from "../../tenants/tenant.ts";
import type { TenantUser } from "../../tenants/tenant-user.ts";
import type { ServerAddress } from "../server/server-address.ts";
import { ServerRoom } from "../server/server-room.ts";
import { ONLY_OWNER, type OwnerPlaceOf } from "./owner-share.ts";
import type { PoolPinList } from "./pin-list.ts";
import type { PoolMode } from "./pool-name.ts";
import { PoolRecipes, type PoolTimes } from "./pool-recipes.ts";
import type { ServerPool } from "./server-pool.ts";
import { type PoolEntry, TenantPools, type TenantPoolsEnvironment } from "./tenant-pools.ts";

export class PoolRegistry {
  readonly #environment: TenantPoolsEnvironment;
  readonly #recipes: PoolRecipes;
  readonly #tenants = new Map<string, TenantPools>();

  /** @param placeOf where a tenant may have several owners; else this worker is the only one */
  constructor(
    environment: TenantPoolsEnvironment,
    times: PoolTimes,
    placeOf: OwnerPlaceOf = () => ONLY_OWNER,
  ) {
    this.#environment = environment;
    this.#recipes = new PoolRecipes(times, placeOf);
  }

  /**
   * Returns the one pool of this tenant, user, database and mode, which follows `tenant`. Throws a
   * TooManyPoolsError. Its client must join it before anything else happens.
   * @param tokenHash of the token in the user's `db_password`: each has a pool of its own; null: it is a password
   */
  poolOf(
    tenant: StoredTenant,
    user: TenantUser,
    database: string,
    mode: PoolMode,
    tokenHash: string | null = null,
  ): ServerPool {
    return this.#poolsOf(tenant).poolOf(user, database, mode, tokenHash);
  }

  /** Returns a place among the tenant's servers for one that is in no pool. */
  roomOf(tenant: StoredTenant): ServerRoom {
    const { group, permits } = this.#poolsOf(tenant);
    const { clock } = this.#environment.net;
    return new ServerRoom(group, permits, clock, () => this.sweep(tenant.external_id));
  }

  /** Where a tenant's PostgreSQL is. */
  addressOf(tenant: StoredTenant): ServerAddress {
    return this.#recipes.addressOf(tenant);
  }

  /** The most pools with clients that a tenant may have. */
  poolsMax(tenant: StoredTenant): number {
    return this.#recipes.poolsMax(tenant);
  }

  /** How long a server may take to be opened. */
  connectTimeoutMs(tenant: StoredTenant, user: TenantUser | null): number {
    return this.#recipes.connectTimeoutMs(tenant, user);
  }

  /** Returns the tenant's pools; null: it has none. */
  find(tenantId: string): TenantPools | null {
    return this.#tenants.get(tenantId) ?? null;
  }

  /** Returns the tenant's pools, which are made where there are none. */
  ensure(tenant: StoredTenant): TenantPools {
    return this.#poolsOf(tenant);
  }

  /** How many tenants have pools here. */
  get size(): number {
    return this.#tenants.size;
  }

  /** The tenants that have pools here. */
  get tenants(): Iterable<string> {
    return this.#tenants.keys();
  }

  /** Clients of a user, by the name they log in with, over all its pools. */
  clientsOf(tenantId: string, alias: string): number {
    let clients = 0;
    for (const entry of this.#tenants.get(tenantId)?.entries ?? [])
      if (entry.alias === alias) clients += entry.pool.clients;
    return clients;
  }

  /** A client or a server of the tenant's left: what nothing is left of is forgotten. */
  sweep(tenantId: string): void {
    const pools = this.#tenants.get(tenantId);
    if (pools === undefined) return;
    pools.sweep();
    if (!pools.over) return;
    pools.leave();
    this.#tenants.delete(tenantId);
  }

  /** Returns the pins of the pools in which there are any. */
  listPins(): readonly PoolPinList[] {
    const lists: PoolPinList[] = [];
    for (const { entries } of this.#tenants.values())
      for (const entry of entries) if (entry.pool.pins.taken > 0) lists.push(pinList(entry));
    return lists;
  }

  /** Ends all servers, as they come back. */
  close(error: PoolerError): void {
    for (const pools of this.#tenants.values()) pools.close(error);
  }

  /** Whether no server is left. */
  get over(): boolean {
    for (const pools of this.#tenants.values()) if (pools.servers > 0) return false;
    return true;
  }

  /** A login may know of a change before {@link reconfigure} is told. */
  #poolsOf(tenant: StoredTenant): TenantPools {
    const { external_id: tenantId } = tenant;
    let pools = this.#tenants.get(tenantId);
    if (pools === undefined) {
      pools = new TenantPools(tenant, this.#recipes, this.#environment, () => this.sweep(tenantId));
      this.#tenants.set(tenantId, pools);
    } else if (pools.record !== tenant) pools.follow(tenant);
    return pools;
  }
}

function pinList({ pool, database }: PoolEntry): PoolPinList {
  const { limits, taken, byReason, clients } = pool.pins;
  return {
    ...pool.name,
    database,
    limit: limits.here,
    taken,
    byReason: { ...byReason },
    clients: Array.from(clients, ({ processId, reasons }) => ({ processId, reasons })),
  };
}

/**
 * All pools of this worker, by tenant, user, database and mode. Made when a client first needs one,
 * changed in place when the tenant's record changes, forgotten when nobody uses them.
 */

import type { PoolerError } from "../base/pooler-error.ts";
import { StatementInterner } from "../session/statement.ts";
import type { SqlReader } from "../sql/sql-reader.ts";
import type { Limits } from "../tenants/limit-fields.ts";
import type { StoredTenant } from "../tenants/tenant.ts";
import type { TenantUser } from "../tenants/tenant-user.ts";
import type { PoolPinList } from "./pin-list.ts";
import type { PoolMode } from "./pool-name.ts";
import { type ServerAddress, serverAddressOf } from "./server-address.ts";
import { type PoolRecipe, ServerPool, type ServerPoolEnvironment } from "./server-pool.ts";
import { orNever, sessionTimes } from "./session-times.ts";
import { storedSecrets } from "./user-secrets.ts";

/** Limits of pools whose tenants and users say nothing else. */
export interface PoolTimes {
  readonly poolCheckoutTimeoutMs: number;
  readonly serverConnectTimeoutMs: number;
  readonly serverIdleTimeoutMs: number;
  readonly serverLifetimeMs: number;
  readonly serverLoginRetryMs: number;
  readonly serverCheckDelayMs: number;
  readonly hiddenStateCheck: number;
  readonly minPoolSize: number;
  /** Null: all servers of a pool but one. */
  readonly maxPins: number | null;
  readonly reservePoolSize: number;
  readonly reservePoolTimeoutMs: number;
  readonly clientIdleTimeoutMs: number;
  readonly idleTransactionTimeoutMs: number;
  readonly queryTimeoutMs: number;
  readonly transactionTimeoutMs: number;
  /** PEM of the authorities that all tenants trust; null: the tenant's own or the well-known ones. */
  readonly certificateAuthority: string | null;
}

/** The first retry comes soon, for a server that restarts; later ones up to the setting. */
const RETRY_MIN_MS = 100;

export interface PoolRegistryEnvironment extends ServerPoolEnvironment {
  /** Reads the SQL of all clients. */
  readonly reader: SqlReader;
}

interface Entry {
  readonly pool: ServerPool;
  /** The alias: finds the record again when the tenant changes. */
  readonly alias: string;
  readonly database: string;
}

interface TenantEntry {
  readonly statements: StatementInterner;
  readonly pools: Map<string, Entry>;
  /** The record that its pools are configured by. */
  record: StoredTenant;
}

export class PoolRegistry {
  readonly #environment: PoolRegistryEnvironment;
  readonly #times: PoolTimes;
  readonly #tenants = new Map<string, TenantEntry>();

  constructor(environment: PoolRegistryEnvironment, times: PoolTimes) {
    this.#environment = environment;
    this.#times = times;
  }

  /** Returns the one pool of this tenant, user, database and mode, which follows `tenant`. */
  poolOf(tenant: StoredTenant, user: TenantUser, database: string, mode: PoolMode): ServerPool {
    const entry = this.#tenantEntry(tenant);
    const key = JSON.stringify([user.db_user_alias, database, mode]);
    const known = entry.pools.get(key);
    if (known !== undefined) return known.pool;
    const recipe = this.#recipe(tenant, user, database);
    const name = { tenant: tenant.external_id, mode };
    const pool = new ServerPool(name, recipe, entry.statements, this.#environment, () =>
      this.sweep(tenant.external_id),
    );
    entry.pools.set(key, { pool, alias: user.db_user_alias, database });
    return pool;
  }

  /** Where a tenant's PostgreSQL is. */
  addressOf(tenant: StoredTenant): ServerAddress {
    return serverAddressOf(tenant, this.#times.certificateAuthority);
  }

  /** How long a server may take to be opened. */
  connectTimeoutMs(tenant: StoredTenant, user: TenantUser | null): number {
    const own = user?.server_connect_timeout ?? tenant.server_connect_timeout;
    return own ?? this.#times.serverConnectTimeoutMs;
  }

  /** The tenant's record changed: its pools follow without disturbing a client. */
  reconfigure(tenant: StoredTenant): void {
    const entry = this.#tenants.get(tenant.external_id);
    if (entry === undefined) return;
    entry.record = tenant;
    for (const { pool, alias, database } of entry.pools.values()) {
      const user = tenant.users.find((candidate) => candidate.db_user_alias === alias);
      if (user === undefined) pool.coolDown();
      else pool.reconfigure(this.#recipe(tenant, user, database));
    }
  }

  /** The tenant's record is gone: its pools last for as long as their clients do. */
  coolDown(tenantId: string): void {
    for (const { pool } of this.#tenants.get(tenantId)?.pools.values() ?? []) pool.coolDown();
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
    for (const entry of this.#tenants.get(tenantId)?.pools.values() ?? []) {
      if (entry.alias === alias) clients += entry.pool.clients;
    }
    return clients;
  }

  /** A client or a server of the tenant's left: pools in which nothing is left are forgotten. */
  sweep(tenantId: string): void {
    const tenant = this.#tenants.get(tenantId);
    if (tenant === undefined) return;
    for (const [key, { pool }] of tenant.pools) {
      if (!pool.over) continue;
      // It would try again to open what is to be kept open.
      pool.coolDown();
      tenant.pools.delete(key);
    }
    if (tenant.pools.size === 0) this.#tenants.delete(tenantId);
  }

  /** Returns the pins of the pools in which there are any. */
  listPins(): readonly PoolPinList[] {
    const lists: PoolPinList[] = [];
    for (const { pools } of this.#tenants.values())
      for (const { pool, alias, database } of pools.values())
        if (pool.pins.taken > 0) lists.push(pinList(pool, alias, database));
    return lists;
  }

  /** Ends all servers, as they come back. */
  close(error: PoolerError): void {
    for (const { pools } of this.#tenants.values())
      for (const { pool } of pools.values()) pool.close(error);
  }

  /** Whether no server is left. */
  get over(): boolean {
    for (const { pools } of this.#tenants.values())
      for (const { pool } of pools.values()) if (pool.servers > 0) return false;
    return true;
  }

  /** A login may know of a change before {@link reconfigure} is told. */
  #tenantEntry(tenant: StoredTenant): TenantEntry {
    let entry = this.#tenants.get(tenant.external_id);
    if (entry === undefined) {
      const statements = new StatementInterner(this.#environment.reader, this.#environment.limits);
      entry = { statements, pools: new Map(), record: tenant };
      this.#tenants.set(tenant.external_id, entry);
    } else if (entry.record !== tenant) this.reconfigure(tenant);
    return entry;
  }

  #recipe(tenant: StoredTenant, user: TenantUser, database: string): PoolRecipe {
    const times = this.#times;
    const own = (limit: keyof Limits): number | null => user[limit] ?? tenant[limit];
    const retryMs = own("server_login_retry") ?? times.serverLoginRetryMs;
    const size = user.pool_size ?? tenant.default_pool_size;
    return {
      address: this.addressOf(tenant),
      user: user.db_user,
      database,
      secrets: storedSecrets(user),
      pinsMax: own("max_pins") ?? times.maxPins ?? Math.max(1, size - 1),
      clientsMax: user.max_clients ?? tenant.default_max_clients,
      times: sessionTimes({
        clientIdleMs: own("client_idle_timeout") ?? times.clientIdleTimeoutMs,
        idleTransactionMs: own("idle_transaction_timeout") ?? times.idleTransactionTimeoutMs,
        queryMs: own("query_timeout") ?? times.queryTimeoutMs,
        checkDelayMs: own("server_check_delay") ?? times.serverCheckDelayMs,
        transactionMs: own("transaction_timeout") ?? times.transactionTimeoutMs,
      }),
      hiddenStateCheck: own("hidden_state_check") ?? times.hiddenStateCheck,
      limits: {
        size,
        lendingOrder: tenant.default_pool_strategy,
        sizeMin: Math.min(own("min_pool_size") ?? times.minPoolSize, size),
        reserve: own("reserve_pool_size") ?? times.reservePoolSize,
        reserveAfterMs: own("reserve_pool_timeout") ?? times.reservePoolTimeoutMs,
        checkoutTimeoutMs: own("pool_checkout_timeout") ?? times.poolCheckoutTimeoutMs,
        connectDeadlineMs: this.connectTimeoutMs(tenant, user),
        idleTimeoutMs: orNever(own("server_idle_timeout") ?? times.serverIdleTimeoutMs),
        lifetimeMs: orNever(own("server_lifetime") ?? times.serverLifetimeMs),
        retryMinMs: Math.min(RETRY_MIN_MS, retryMs),
        retryMaxMs: retryMs,
      },
    };
  }
}

function pinList(pool: ServerPool, user: string, database: string): PoolPinList {
  const { limit, taken, byReason, clients } = pool.pins;
  return {
    ...pool.name,
    user,
    database,
    limit,
    taken,
    byReason: { ...byReason },
    clients: Array.from(clients, ({ processId, reasons }) => ({ processId, reasons })),
  };
}

/**
 * What a pool of a tenant's user is built for: the user's word, or the tenant's, or the setting's.
 */

import type { AttemptLimits } from "../../pool/shared-attempts.ts";
import type { Limits } from "../../tenants/limit-fields.ts";
import type { StoredTenant } from "../../tenants/tenant.ts";
import type { TenantUser } from "../../tenants/tenant-user.ts";
import { orNever, sessionTimes } from "../client/session-times.ts";
import { storedSecrets } from "../login/user-secrets.ts";
import { type ServerAddress, serverAddressOf } from "../server/server-address.ts";
import { type OwnerPlaceOf, ownersShare } from "./owner-share.ts";
import type { PinLimits } from "./pin-limits.ts";
import type { PoolRecipe } from "./pool-recipe.ts";

/** Limits of pools whose tenants and users say nothing else. */
export interface PoolTimes extends AttemptLimits {
  /** Most pools of a tenant that have clients. */
  readonly maxTenantPools: number;
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

/** How long a server that a token opened is kept for its client's next transaction. */
const TOKEN_IDLE_MS = 10_000;

export class PoolRecipes {
  readonly #times: PoolTimes;
  readonly #placeOf: OwnerPlaceOf;

  constructor(times: PoolTimes, placeOf: OwnerPlaceOf) {
    this.#times = times;
    this.#placeOf = placeOf;
  }

  /** Limits of attempts to open servers: the same for all tenants. */
  get attempts(): AttemptLimits {
    return this.#times;
  }

  /** Most servers of the tenant, over all pools. */
  serversMax(tenant: StoredTenant): number {
    return tenant.max_server_connections ?? Number.POSITIVE_INFINITY;
  }

  /** Most pools of the tenant that have clients. */
  poolsMax(tenant: StoredTenant): number {
    return tenant.max_pools ?? this.#times.maxTenantPools;
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

  /** Returns what the pool of this user and database is built for now. */
  recipeOf(tenant: StoredTenant, user: TenantUser, database: string): PoolRecipe {
    const times = this.#times;
    const own = (limit: keyof Limits): number | null => user[limit] ?? tenant[limit];
    const retryMs = own("server_login_retry") ?? times.serverLoginRetryMs;
    const size = user.pool_size ?? tenant.default_pool_size;
    return {
      address: this.addressOf(tenant),
      user: user.db_user,
      database,
      secrets: storedSecrets(user),
      parameterDefaults: parameterDefaults(tenant),
      pins: this.#pinsOf(tenant, own("max_pins") ?? times.maxPins ?? Math.max(1, size - 1)),
      clientsMax: user.max_clients ?? tenant.default_max_clients,
      times: sessionTimes({
        heartbeatSeconds: tenant.client_heartbeat_interval,
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

  #pinsOf(tenant: StoredTenant, max: number): PinLimits {
    return { max, here: ownersShare(max, this.#placeOf(tenant)) };
  }
}

/** Returns `recipe` for a pool of one token. Nobody else comes with it: what its client leaves is not kept for long. */
export function tokenRecipe(recipe: PoolRecipe): PoolRecipe {
  const idleTimeoutMs = Math.min(recipe.limits.idleTimeoutMs, TOKEN_IDLE_MS);
  return { ...recipe, limits: { ...recipe.limits, sizeMin: 0, idleTimeoutMs } };
}

function parameterDefaults({
  default_parameter_status: defaults,
}: StoredTenant): ReadonlyMap<string, string> | null {
  const entries = Object.entries(defaults);
  return entries.length === 0 ? null : new Map(entries);
}

/**
 * The limits that a tenant and a user may have of their own: the settings of the same names, in lower
 * case. Null is what the next wider one says: the tenant for a user, the setting for a tenant. Some
 * are a tenant's alone.
 */

import { z } from "zod";
import { wholeNumber } from "./field-schemas.ts";

/** 24.8 days, the longest delay that a timer of the runtime takes. */
const TIME_MS_MAX = 2_147_483_647;
const HOUR_MS = 3_600_000;
const SERVERS_MAX = 10_000;
const CLIENTS_MAX = 1_000_000;
/** Supavisor's limit is 50, for all its tenants. */
const POOLS_MAX = 10_000;
/** As many workers as the largest machines have use for. */
const OWNERS_MAX = 64;

const time = wholeNumber(0, TIME_MS_MAX, "ms").nullable().default(null);
/** Of 0 it would be over before it began. */
const wait = wholeNumber(1, HOUR_MS, "ms").nullable().default(null);
const checks = wholeNumber(0, 1_000_000).nullable().default(null);
const servers = wholeNumber(0, SERVERS_MAX).nullable().default(null);

export const limitFields = {
  client_idle_timeout: time.describe(
    "Closes a client that is idle outside a transaction for this long; 0 never",
  ),
  idle_transaction_timeout: time.describe(
    "Closes a client that is idle inside a transaction for this long; 0 never",
  ),
  query_timeout: time.describe("Cancels a query that takes longer; 0 never"),
  transaction_timeout: time.describe("Closes a client whose transaction takes longer; 0 never"),
  pool_checkout_timeout: wait.describe("Longest wait for a server"),
  server_connect_timeout: wait.describe("Longest time to open a server, login included"),
  server_login_retry: time.describe(
    "Longest pause before a server that could not be opened is tried again",
  ),
  server_idle_timeout: time.describe("Closes a server that nobody used for this long; 0 never"),
  server_lifetime: time.describe("Closes a server older than this when it comes back; 0 never"),
  server_check_delay: time.describe("Tries a server idle for longer before it is lent; 0 always"),
  hidden_state_check: checks.describe(
    "Looks for state that a function left unseen after one transaction in so many; 1 each, 0 none",
  ),
  min_pool_size: servers.describe("Servers that each pool keeps open once it exists"),
  reserve_pool_size: servers.describe("Servers beyond `pool_size` for who waits too long"),
  reserve_pool_timeout: time.describe("How long a client waits before the reserve is opened"),
  max_pins: servers.describe(
    "Most clients of each pool that keep a server in transaction mode; 0 refuses it",
  ),
} as const;

/** Null: no limit but the pools' own. */
const total = (max: number) => wholeNumber(1, max).nullable().default(null);

/** What limits a tenant as a whole, over all its users and pools. */
export const tenantLimitFields = {
  ...limitFields,
  max_client_connections: total(CLIENTS_MAX).describe("Most clients of the tenant, over all users"),
  max_server_connections: total(SERVERS_MAX).describe("Most servers of the tenant, over all pools"),
  max_pools: total(POOLS_MAX).describe(
    "Most pools of the tenant: one for each user, database and mode that is in use",
  ),
  max_connection_rate: total(CLIENTS_MAX).describe(
    "Most logins of the tenant in a second, the failed ones too",
  ),
  owners: total(OWNERS_MAX).describe(
    "Workers that share its servers and serve its clients; null is one for every five servers of its largest pool",
  ),
} as const;

const limitsSchema = z.strictObject(limitFields);
const tenantLimitsSchema = z.strictObject(tenantLimitFields);

/** Times are in milliseconds. */
export type Limits = Readonly<z.output<typeof limitsSchema>>;

type TenantOnly = Exclude<keyof TenantLimits, keyof Limits>;

/** Those of a tenant. */
export type TenantLimits = Readonly<z.output<typeof tenantLimitsSchema>>;

/** Returns the limits of `record` that are set, as JSON: a limit that is new needs no new column. */
export function limitsToJson(record: Limits): string {
  const set = Object.keys(tenantLimitFields).flatMap((name) => {
    const value: unknown = Reflect.get(record, name);
    return typeof value === "number" ? [[name, value] as const] : [];
  });
  return JSON.stringify(Object.fromEntries(set));
}

/** The way back, for a user. Throws where the text is not what {@link limitsToJson} wrote. */
export function limitsFromJson(json: string): Limits {
  return limitsSchema.parse(JSON.parse(json));
}

/** The way back, for a tenant. */
export function tenantLimitsFromJson(json: string): TenantLimits {
  return tenantLimitsSchema.parse(JSON.parse(json));
}

/** Returns `record` without a tenant's limits. */
export function withoutTenantLimits<Fields extends TenantLimits>(
  record: Fields,
): Omit<Omit<Fields, TenantOnly>, keyof Limits> {
  const {
    max_client_connections: _clients,
    max_server_connections: _servers,
    max_pools: _pools,
    max_connection_rate: _rate,
    owners: _owners,
    ...rest
  } = record;
  return withoutLimits(rest);
}

/** Returns `record` without the limits that tenants and users have alike. */
export function withoutLimits<Fields extends Limits>(record: Fields): Omit<Fields, keyof Limits> {
  const {
    client_idle_timeout: _clientIdle,
    idle_transaction_timeout: _idleTransaction,
    query_timeout: _query,
    transaction_timeout: _transaction,
    pool_checkout_timeout: _checkout,
    server_connect_timeout: _connect,
    server_login_retry: _loginRetry,
    server_idle_timeout: _serverIdle,
    server_lifetime: _lifetime,
    server_check_delay: _checkDelay,
    hidden_state_check: _hiddenState,
    min_pool_size: _minPoolSize,
    reserve_pool_size: _reserveSize,
    reserve_pool_timeout: _reserveTimeout,
    max_pins: _maxPins,
    ...rest
  } = record;
  return rest;
}

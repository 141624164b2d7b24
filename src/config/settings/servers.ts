/**
 * Pools and their servers.
 */

import { count, milliseconds } from "../integer-settings.ts";

const DAY_MS = 86_400_000;
const HOUR_MS = 3_600_000;

export const SERVER_SETTINGS = {
  poolCheckoutTimeoutMs: milliseconds({
    name: "POOL_CHECKOUT_TIMEOUT",
    group: "Servers",
    default: "60s",
    reloadable: true,
    min: 100,
    max: HOUR_MS,
    summary:
      "How long a client waits for a server; then its query fails with 53300, and the client goes on. A tenant and a user may say otherwise. Supavisor's default for its users.",
  }),
  serverConnectTimeoutMs: milliseconds({
    name: "SERVER_CONNECT_TIMEOUT",
    group: "Servers",
    default: "15s",
    reloadable: true,
    min: 100,
    max: HOUR_MS,
    summary:
      "Time to open a server: TCP, TLS and login together. A tenant and a user may say otherwise. PgBouncer's default.",
  }),
  serverLoginRetryMs: milliseconds({
    name: "SERVER_LOGIN_RETRY",
    group: "Servers",
    default: "15s",
    reloadable: true,
    min: 100,
    max: HOUR_MS,
    zero: "at once",
    summary:
      "After a server could not be opened, the longest pause before the pool tries again: it begins at 0.1 s and doubles up to this, each time less up to half at random. An error that trying again cannot mend (28P01, 3D000) is told to all who wait at once. A tenant and a user may say otherwise. PgBouncer's default.",
  }),
  serverConnectAttempts: count({
    name: "SERVER_CONNECT_ATTEMPTS",
    group: "Servers",
    // TCP's slow start begins with ten segments; a PostgreSQL backend costs more than a segment.
    default: "4",
    reloadable: true,
    min: 1,
    max: 1000,
    summary:
      "How many servers of one tenant, over all its pools, may be opened at a time by each worker that owns it while none of these attempts has succeeded; each that does lets one more be opened at a time. After a failure they go one by one. So a database that does not answer holds few descriptors, and one that comes back is not overrun.",
  }),
  serverFailFastAfterMs: milliseconds({
    name: "SERVER_FAIL_FAST_AFTER",
    group: "Servers",
    default: "5s",
    reloadable: true,
    min: 100,
    max: HOUR_MS,
    zero: "at the first failure",
    summary:
      "When no server of a tenant could be opened for this long, its clients no longer wait: whoever needs a server and whose pool has none is told why at once, or within 1 s while an attempt is under way. Long enough for a restart of PostgreSQL. The attempts go on as clients ask, with the pauses of SERVER_LOGIN_RETRY; the first that succeeds ends this.",
  }),
  serverIdleTimeoutMs: milliseconds({
    name: "SERVER_IDLE_TIMEOUT",
    group: "Servers",
    default: "10min",
    reloadable: true,
    min: 1000,
    max: 30 * DAY_MS,
    zero: "never",
    summary:
      "A server that nobody has used for this long is closed. A tenant and a user may say otherwise. PgBouncer's default.",
  }),
  serverLifetimeMs: milliseconds({
    name: "SERVER_LIFETIME",
    group: "Servers",
    default: "1h",
    reloadable: true,
    min: 10_000,
    max: 30 * DAY_MS,
    zero: "no limit",
    summary:
      "A server older than this, less up to a tenth at random, is closed when nobody uses it: never inside a transaction. A tenant and a user may say otherwise. PgBouncer's default; there 0 means to use each server once.",
  }),
  serverCheckDelayMs: milliseconds({
    name: "SERVER_CHECK_DELAY",
    group: "Servers",
    default: "30s",
    reloadable: true,
    min: 100,
    max: 30 * DAY_MS,
    zero: "always",
    summary:
      "A server that was idle for longer is tried by an empty query before a client gets it; one that does not answer within SERVER_CONNECT_TIMEOUT is closed, and the client gets another. A tenant and a user may say otherwise. PgBouncer's default.",
  }),
  hiddenStateCheck: count({
    name: "HIDDEN_STATE_CHECK",
    group: "Servers",
    // A look costs a backend some 1.7 ms of CPU, a transaction of `select 1` 0.05 ms, and 0.02 ms here: 0.8 %.
    default: "3000",
    reloadable: true,
    min: 0,
    max: 1_000_000,
    summary:
      "One transaction in so many is followed by a look at its server for what a function of the database left there unseen: settings, advisory locks, temporary objects. 1: each, so that they hold for their client as on a direct connection. 0: none. The default costs less than 1 % of the CPU that the shortest transactions take. A tenant and a user may say otherwise.",
  }),
  minPoolSize: count({
    name: "MIN_POOL_SIZE",
    group: "Servers",
    default: "0",
    reloadable: true,
    min: 0,
    max: 10_000,
    summary:
      "Servers that each pool keeps open once a client has made it, up to its pool size. A tenant and a user may say otherwise. PgBouncer's default.",
  }),
  reservePoolSize: count({
    name: "RESERVE_POOL_SIZE",
    group: "Servers",
    default: "0",
    reloadable: true,
    min: 0,
    max: 10_000,
    summary:
      "Servers beyond its pool size that a pool opens for clients that have waited for RESERVE_POOL_TIMEOUT; they are closed when nobody waits. A tenant and a user may say otherwise. PgBouncer's default.",
  }),
  reservePoolTimeoutMs: milliseconds({
    name: "RESERVE_POOL_TIMEOUT",
    group: "Servers",
    default: "5s",
    reloadable: true,
    min: 100,
    max: HOUR_MS,
    zero: "at once",
    summary: "How long a client waits before RESERVE_POOL_SIZE is used. PgBouncer's default.",
  }),
  maxTenantPools: count({
    name: "MAX_TENANT_POOLS",
    group: "Servers",
    default: "50",
    reloadable: true,
    min: 1,
    max: 10_000,
    summary:
      "Most pools of one tenant that clients use at a time: one for each user, database and mode. A login that needs one more is refused with 53400. A tenant may say otherwise (max_pools). Supavisor's limit.",
  }),
  maxPins: count({
    name: "MAX_PINS",
    group: "Servers",
    default: null,
    reloadable: true,
    min: 0,
    max: 10_000,
    summary:
      "Most clients of each pool, at each worker that owns the tenant, that keep a server for themselves in transaction mode, because of a temporary table, a session's advisory lock, a WITH HOLD cursor or LISTEN; 0 refuses all of these beyond a transaction. Unset, all servers of the pool but one, and at least one. A tenant and a user may say otherwise.",
  }),
  scramIterationsMax: count({
    name: "SCRAM_ITERATIONS_MAX",
    group: "Servers",
    default: "1000000",
    reloadable: true,
    min: 4096,
    max: 10_000_000,
    summary:
      "SCRAM iterations that a server may ask of us; a server that asks for more is refused. PostgreSQL's default is 4096; a million takes a core 0.15 s, so a hostile server can't hold it for long.",
  }),
} as const;

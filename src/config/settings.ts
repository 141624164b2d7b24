/**
 * Every setting of Carpool: the one table from which loading, validation, `carpool help settings`
 * and docs/settings.md come. Where Supavisor has a name, this is it.
 *
 * The key is the property of {@link Config}: the name in camel case, with the unit last.
 * After a change run `npm run docs:settings`.
 */

import { z } from "zod";
import { bytes, count, milliseconds, port } from "./integer-settings.ts";
import type { ConfigOf } from "./setting.ts";
import { choice, list, path, secret, text, url } from "./text-settings.ts";

/** Only `net` may import node:net, where isIP lives. */
const ipAddress = z.union([z.ipv4(), z.ipv6()]);

const DAY_MS = 86_400_000;
const HOUR_MS = 3_600_000;

export const SETTINGS = {
  proxyPortTransaction: port({
    name: "PROXY_PORT_TRANSACTION",
    group: "Listening",
    default: "6543",
    reloadable: false,
    summary: "Port of transaction mode. 0 takes a free one. Supavisor's default.",
  }),
  proxyPortSession: port({
    name: "PROXY_PORT_SESSION",
    group: "Listening",
    default: "5432",
    reloadable: false,
    summary: "Port of session mode. 0 takes a free one. Supavisor's default.",
  }),
  proxyPortNative: port({
    name: "PROXY_PORT_NATIVE",
    group: "Listening",
    default: "6544",
    reloadable: false,
    summary:
      "Port of native mode, a byte pipe to the tenant's server for migrations and replication. 0 takes a free one. The default is the next after transaction mode's.",
  }),
  port: port({
    name: "PORT",
    group: "Listening",
    default: "4000",
    reloadable: false,
    summary: "Port of HTTP, with /api/health. 0 takes a free one. Supavisor's default.",
  }),
  listenAddress: list({
    name: "LISTEN_ADDRESS",
    group: "Listening",
    default: "::",
    reloadable: false,
    range: "IP addresses, separated by commas",
    accepts: (item) => ipAddress.safeParse(item).success,
    summary:
      "Addresses that all ports listen on. `::` is every address of the machine, IPv6 and IPv4; on a machine without IPv6, write `0.0.0.0`. The default is to be reachable, as Supavisor is.",
  }),

  dataDirectory: path({
    name: "DATA_DIRECTORY",
    group: "Storage",
    default: ".carpool",
    reloadable: false,
    summary:
      "Folder of everything that Carpool keeps; it is made at the first start. The default stands in the working directory, so that trying Carpool touches one folder only.",
  }),
  databaseUrl: url({
    name: "DATABASE_URL",
    group: "Storage",
    default: "sqlite:$DATA_DIRECTORY/carpool.db",
    reloadable: false,
    schemes: ["sqlite"],
    range: "sqlite:PATH",
    summary: "Where tenants and users are stored. The default needs no other service.",
  }),
  vaultEncKey: secret({
    name: "VAULT_ENC_KEY",
    group: "Storage",
    default: null,
    reloadable: false,
    bytesExact: 32,
    summary:
      "Key that encrypts the passwords in the store (AES-256-GCM, hence 32 bytes). Without it, a key file is made in DATA_DIRECTORY at the first start.",
  }),

  globalDownstreamCertPath: path({
    name: "GLOBAL_DOWNSTREAM_CERT_PATH",
    group: "TLS",
    default: null,
    reloadable: true,
    summary:
      "Certificate chain (PEM) shown to clients. Goes with GLOBAL_DOWNSTREAM_KEY_PATH; without both, clients get no TLS. A reload reads the files again.",
  }),
  globalDownstreamKeyPath: path({
    name: "GLOBAL_DOWNSTREAM_KEY_PATH",
    group: "TLS",
    default: null,
    reloadable: true,
    summary: "Private key (PEM, without a passphrase) of GLOBAL_DOWNSTREAM_CERT_PATH.",
  }),
  globalUpstreamCaPath: path({
    name: "GLOBAL_UPSTREAM_CA_PATH",
    group: "TLS",
    default: null,
    reloadable: true,
    summary:
      "Certificates (PEM) of the authorities that servers are verified against, in place of each tenant's own. Without it, a tenant's own hold.",
  }),

  defaultTenant: text({
    name: "DEFAULT_TENANT",
    group: "Clients",
    default: null,
    reloadable: true,
    charactersMax: 255,
    summary:
      "Tenant of the clients that name none: plain user names, as with PgBouncer. Without it, such clients are refused.",
  }),
  maxConnections: count({
    name: "MAX_CONNECTIONS",
    group: "Clients",
    default: null,
    reloadable: true,
    min: 1,
    max: 1_000_000,
    summary:
      "Clients of the process; one more is refused with 53300. Servers get what is left of the descriptor limit (RLIMIT_NOFILE) but for 128, since a process out of descriptors can accept nobody. Without it, clients get three quarters of that, servers one.",
  }),
  clientLoginTimeoutMs: milliseconds({
    name: "CLIENT_LOGIN_TIMEOUT",
    group: "Clients",
    default: "60s",
    reloadable: true,
    min: 100,
    max: HOUR_MS,
    summary: "Time from a client's connect to the end of its login. PgBouncer's default.",
  }),
  clientIdleTimeoutMs: milliseconds({
    name: "CLIENT_IDLE_TIMEOUT",
    group: "Clients",
    default: "0",
    reloadable: true,
    min: 1000,
    max: 30 * DAY_MS,
    zero: "never",
    summary:
      "A client that is idle outside a transaction for this long is closed with 57P05. A tenant and a user may say otherwise. The default is PostgreSQL's and PgBouncer's.",
  }),
  idleTransactionTimeoutMs: milliseconds({
    name: "IDLE_TRANSACTION_TIMEOUT",
    group: "Clients",
    default: "0",
    reloadable: true,
    min: 100,
    max: 30 * DAY_MS,
    zero: "never",
    summary:
      "A client that lets its server wait inside a transaction (or a COPY FROM STDIN) for this long is closed with 25P03, and the server rolled back. A tenant and a user may say otherwise. The default is PostgreSQL's and PgBouncer's.",
  }),
  queryTimeoutMs: milliseconds({
    name: "QUERY_TIMEOUT",
    group: "Clients",
    default: "0",
    reloadable: true,
    min: 100,
    max: 30 * DAY_MS,
    zero: "never",
    summary:
      "A query that takes longer is cancelled, and its client told 57014. If it has not ended CANCEL_WAIT_TIMEOUT later, client and server are closed. A tenant and a user may say otherwise. The default is PgBouncer's.",
  }),
  transactionTimeoutMs: milliseconds({
    name: "TRANSACTION_TIMEOUT",
    group: "Clients",
    default: "0",
    reloadable: true,
    min: 100,
    max: 30 * DAY_MS,
    zero: "never",
    summary:
      "A client whose transaction takes longer is closed with 25P04; what runs is cancelled and the server rolled back. A tenant and a user may say otherwise. The default is PostgreSQL's and PgBouncer's.",
  }),
  clientAuthMethod: choice({
    name: "CLIENT_AUTH_METHOD",
    group: "Clients",
    default: "scram-sha-256",
    reloadable: true,
    choices: ["scram-sha-256", "password"],
    summary:
      "How clients prove their password. `password` asks for it in clear, and only inside TLS. The default is PostgreSQL's own.",
  }),
  cancelWaitTimeoutMs: milliseconds({
    name: "CANCEL_WAIT_TIMEOUT",
    group: "Clients",
    default: "10s",
    reloadable: true,
    min: 100,
    max: HOUR_MS,
    summary:
      "How long a cancel may take until PostgreSQL has closed its connection; then it is given up. PgBouncer's default.",
  }),

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
  maxPins: count({
    name: "MAX_PINS",
    group: "Servers",
    default: null,
    reloadable: true,
    min: 0,
    max: 10_000,
    summary:
      "Most clients of each pool that keep a server for themselves in transaction mode, because of a temporary table, a session's advisory lock, a WITH HOLD cursor or LISTEN; 0 refuses all of these beyond a transaction. Unset, all servers of the pool but one, and at least one. A tenant and a user may say otherwise.",
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

  maxMessageSizeBytes: bytes({
    name: "MAX_MESSAGE_SIZE",
    group: "Messages and prepared statements",
    default: "1GB",
    reloadable: true,
    min: 65_536,
    max: 1024 ** 3,
    summary:
      "Largest message of a client after login; a larger one ends the connection. The default is PostgreSQL's own limit.",
  }),
  maxPreparedStatements: count({
    name: "MAX_PREPARED_STATEMENTS",
    group: "Messages and prepared statements",
    default: "200",
    reloadable: true,
    min: 1,
    max: 100_000,
    summary:
      "Prepared statements that a server keeps in transaction mode; the least recently used goes first. PgBouncer's and Supavisor's default. There is no 0: they are always on.",
  }),
  maxClientPreparedStatements: count({
    name: "MAX_CLIENT_PREPARED_STATEMENTS",
    group: "Messages and prepared statements",
    default: "5000",
    reloadable: true,
    min: 1,
    max: 1_000_000,
    summary:
      "Named prepared statements that one client may hold at a time. The default is five times what Rails keeps (1000), the most of the common drivers.",
  }),
  maxTenantStatementMemoryBytes: bytes({
    name: "MAX_TENANT_STATEMENT_MEMORY",
    group: "Messages and prepared statements",
    default: "256MB",
    reloadable: true,
    min: 65_536,
    max: 64 * 1024 ** 3,
    summary:
      "Memory that the named prepared statements of all clients of a tenant may take; beyond it, a new one is refused with 53400. From three quarters of it on, servers give up statements that no client names. The default has room for 10 000 clients with 200 names each.",
  }),

  memoryLimitBytes: bytes({
    name: "MEMORY_LIMIT",
    group: "Process",
    default: "0",
    reloadable: true,
    min: 128 * 1024 ** 2,
    max: 16 * 1024 ** 4,
    zero: "what the cgroup allows, or what the machine has",
    summary:
      "Resident memory near which new clients are refused with 53300: above 90 % of it, until it is below 85 %. Those who are in work on. It is looked at every second. A pooler without clients takes some 75 MB.",
  }),
  shutdownTimeoutMs: milliseconds({
    name: "SHUTDOWN_TIMEOUT",
    group: "Process",
    default: "25s",
    reloadable: true,
    min: 100,
    max: DAY_MS,
    zero: "at once",
    summary:
      "How long a stopping process lets running transactions end. The default stays below the 30 s that Kubernetes gives.",
  }),
  logLevel: choice({
    name: "LOG_LEVEL",
    group: "Process",
    default: "info",
    reloadable: true,
    choices: ["debug", "info", "warn", "error"],
    summary: "The least severe level that is logged.",
  }),
  logFormat: choice({
    name: "LOG_FORMAT",
    group: "Process",
    default: "json",
    reloadable: false,
    choices: ["json", "text"],
    summary: "Log lines for machines or for people. The default suits containers.",
  }),
} as const;

/** The loaded settings: property → value. Durations are in milliseconds, sizes in bytes. */
export type Config = ConfigOf<typeof SETTINGS>;

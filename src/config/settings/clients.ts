/**
 * What clients may do and for how long.
 */

import { count, milliseconds } from "../integer-settings.ts";
import { boolean, choice, text } from "../text-settings.ts";

const DAY_MS = 86_400_000;
const HOUR_MS = 3_600_000;

export const CLIENT_SETTINGS = {
  defaultTenant: text({
    name: "DEFAULT_TENANT",
    group: "Clients",
    default: null,
    reloadable: true,
    charactersMax: 255,
    summary:
      "Tenant of the clients that name none: plain user names, as with PgBouncer. Without it, such clients are refused.",
  }),
  tenantByDatabase: boolean({
    name: "TENANT_BY_DATABASE",
    group: "Clients",
    default: "false",
    reloadable: true,
    summary:
      "Whether a client that names its tenant in no other way means the tenant of its database's name, as with PgBouncer's [databases]. Its server's database is then the tenant's db_database. Where there is no such tenant, DEFAULT_TENANT follows.",
  }),
  maxConnections: count({
    name: "MAX_CONNECTIONS",
    group: "Clients",
    default: null,
    reloadable: true,
    min: 1,
    max: 10_000_000,
    summary:
      "Clients of all WORKERS together; one more is refused with 53300. Each worker has an equal share to begin with, and gets what others don't use where it needs more. Descriptors are each process's own, and clients and servers never take the last 208 of its limit (RLIMIT_NOFILE), since a process out of descriptors can accept nobody. Of the rest, so many as its equal share are kept for clients, and servers may have what clients leave. Without this setting, the clients of a process get three quarters of that, its servers one.",
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
} as const;

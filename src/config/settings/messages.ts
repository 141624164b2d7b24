/**
 * Sizes of messages, and how many statements stay prepared.
 */

import { bytes, count } from "../integer-settings.ts";

export const MESSAGE_SETTINGS = {
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
      "Memory that the named prepared statements of all clients of a tenant may take at a worker; beyond it, a new one is refused with 53400. From three quarters of it on, servers give up statements that no client names. The default has room for 10 000 clients with 200 names each.",
  }),
} as const;

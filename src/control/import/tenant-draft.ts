/**
 * The keys of `[databases]` and `[users]` (PgBouncer 1.25), and what each does to a tenant or to a user. The
 * import and docs/moving-from-pgbouncer.md come from these two lists.
 */

import { secondsAsMs } from "./global-settings.ts";

/** A tenant in the making: what `[databases]` says, before it is held against the rules of tenants. */
export interface TenantDraft {
  readonly fields: Record<string, unknown>;
  forcedUser: string | null;
  forcedPassword: string | null;
  authUser: string | null;
  authQuery: string | null;
}

export interface ImportKey<Draft> {
  readonly key: string;
  /** A field of Carpool; null: there is no counterpart. */
  readonly counterpart: string | null;
  readonly note: string;
  /** Absent where there is no counterpart. */
  readonly apply?: (draft: Draft, value: string) => void;
}

type UserDraft = Record<string, unknown>;

const SERVERS_MAX = 10_000;
const CLIENTS_MAX = 1_000_000;
const WAIT_MAX_MS = 3_600_000;
const LIFETIME_MIN_MS = 10_000;

export const DATABASE_KEYS: readonly ImportKey<TenantDraft>[] = [
  {
    key: "dbname",
    counterpart: "db_database",
    note: "",
    apply: (draft, value) => {
      draft.fields["db_database"] = value;
    },
  },
  {
    key: "host",
    counterpart: "db_host",
    note: "One host, by TCP. Without one, and for a Unix socket, it is 127.0.0.1; of several, the first.",
    apply: (draft, value) => {
      draft.fields["db_host"] = hostOf(value);
    },
  },
  ofTenant("port", "db_port", Number),
  {
    key: "user",
    counterpart: "users (db_user_alias, db_user)",
    note: "The role of the servers, whoever the client is. A user of Carpool has one password, for its client and for its servers: only users with the very password of the forced one are taken over.",
    apply: (draft, value) => {
      draft.forcedUser = value;
    },
  },
  {
    key: "password",
    counterpart: "users (db_password)",
    note: "",
    apply: (draft, value) => {
      draft.forcedPassword = value;
    },
  },
  {
    key: "auth_user",
    counterpart: "users (is_manager)",
    note: "Its password comes from `auth_file`.",
    apply: (draft, value) => {
      draft.authUser = value;
    },
  },
  {
    key: "auth_query",
    counterpart: "auth_query",
    note: "",
    apply: (draft, value) => {
      draft.authQuery = value;
    },
  },
  lost("auth_dbname", "auth_query runs in the tenant's own database: what it calls must be there."),
  ofTenant("pool_size", "default_pool_size", atMost(SERVERS_MAX), "0 (no limit) is 10000."),
  ofTenant("min_pool_size", "min_pool_size", Number),
  ofTenant("reserve_pool_size", "reserve_pool_size", Number),
  ofTenant("reserve_pool", "reserve_pool_size", Number, "An older name of `reserve_pool_size`."),
  lost(
    "connect_query",
    "Nothing is run on a new server: `ALTER ROLE … SET` or `ALTER DATABASE … SET` does as much for settings.",
  ),
  lost("pool_mode", "The mode is chosen by the port that clients connect to."),
  ofTenant(
    "query_wait_timeout",
    "pool_checkout_timeout",
    waitMs,
    "Seconds become ms; 0 (no limit) is 1h.",
  ),
  lost("load_balance_hosts", "A tenant has one host."),
  ofTenant("max_db_connections", "max_server_connections", orNull, "0 (no limit) is null."),
  ofTenant("max_db_client_connections", "max_client_connections", orNull, "0 (no limit) is null."),
  ofTenant(
    "server_lifetime",
    "server_lifetime",
    lifetimeMs,
    "Seconds become ms; 0 (use each server once) is 10 s.",
  ),
  lost(
    "client_encoding",
    "The client's own holds; `ALTER DATABASE … SET client_encoding` gives another default.",
  ),
  lost(
    "datestyle",
    "The client's own holds; `ALTER DATABASE … SET datestyle` gives another default.",
  ),
  lost(
    "timezone",
    "The client's own holds; `ALTER DATABASE … SET timezone` gives another default.",
  ),
  lost("application_name", "The client's own holds."),
];

export const USER_KEYS: readonly ImportKey<UserDraft>[] = [
  lost("pool_mode", "The mode is chosen by the port that clients connect to."),
  ofUser("pool_size", "pool_size", atMost(SERVERS_MAX), "0 (no limit) is 10000."),
  ofUser("reserve_pool_size", "reserve_pool_size", Number),
  lost(
    "max_user_connections",
    "A user's servers are limited by pool (`pool_size`) and by tenant, not over all databases.",
  ),
  ofUser(
    "max_user_client_connections",
    "max_clients",
    atMost(CLIENTS_MAX),
    "For each tenant, not over all of them; 0 (no limit) is 1000000.",
  ),
  ofUser("query_timeout", "query_timeout", secondsAsMs, "Seconds become ms."),
  ofUser(
    "query_wait_timeout",
    "pool_checkout_timeout",
    waitMs,
    "Seconds become ms; 0 (no limit) is 1h.",
  ),
  ofUser("idle_transaction_timeout", "idle_transaction_timeout", secondsAsMs, "Seconds become ms."),
  ofUser("transaction_timeout", "transaction_timeout", secondsAsMs, "Seconds become ms."),
  ofUser("client_idle_timeout", "client_idle_timeout", secondsAsMs, "Seconds become ms."),
];

/** Returns a number whose 0 stands for no limit, where Carpool's largest is `max`. */
export function atMost(max: number): (value: string) => number {
  return (value) => (Number(value) === 0 ? max : Number(value));
}

/** Returns a number whose 0 stands for no limit, where Carpool's word for that is null. */
export function orNull(value: string): number | null {
  return Number(value) === 0 ? null : Number(value);
}

/** Returns the first host that is reached by TCP. */
export function hostOf(value: string): string {
  const [first = ""] = value.split(",").map((host) => host.trim());
  return isUnixSocket(first) ? "127.0.0.1" : first;
}

/** Whether PgBouncer would take a Unix socket. */
export function isUnixSocket(host: string): boolean {
  return host === "" || host.startsWith("/") || host.startsWith("@");
}

function waitMs(value: string): number {
  return atMost(WAIT_MAX_MS)(String(secondsAsMs(value)));
}

function lifetimeMs(value: string): number {
  return Math.max(secondsAsMs(value), LIFETIME_MIN_MS);
}

function lost(key: string, note: string): ImportKey<unknown> {
  return { key, counterpart: null, note };
}

function ofTenant(
  key: string,
  field: string,
  convert: (value: string) => unknown,
  note = "",
): ImportKey<TenantDraft> {
  const apply = (draft: TenantDraft, value: string) => {
    draft.fields[field] = convert(value);
  };
  return { key, counterpart: field, note, apply };
}

function ofUser(
  key: string,
  field: string,
  convert: (value: string) => unknown,
  note = "",
): ImportKey<UserDraft> {
  const apply = (draft: UserDraft, value: string) => {
    draft[field] = convert(value);
  };
  return { key, counterpart: field, note, apply };
}

/**
 * Every setting of PgBouncer's `[pgbouncer]` section (version 1.25), and what it is here. The import and the
 * table in docs/moving-from-pgbouncer.md come from this one list.
 */

/** A setting of Carpool and its value, as an operator would write them. */
export type SettingValue = readonly [name: string, value: string];

/** The section: name → value. */
export type GlobalValues = ReadonlyMap<string, string>;

export interface GlobalSetting {
  readonly name: string;
  /** Settings or fields of Carpool, for the report and the table; null: there is no counterpart. */
  readonly counterpart: string | null;
  /** What is different, or what it means that there is no counterpart. Empty: it means the same. */
  readonly note: string;
  /** Values for which the note says what is lost. */
  readonly without?: readonly string[];
  /** Returns what to set. Absent: it becomes fields of the tenants, or nothing. */
  readonly convert?: (value: string, all: GlobalValues) => readonly SettingValue[];
}

/** PgBouncer's defaults that hold where the file is silent and Carpool's own is another. */
export const DIFFERENT_DEFAULTS = {
  default_pool_size: "20",
  query_wait_timeout: "120",
  server_tls_sslmode: "prefer",
} as const;

const MS_PER_SECOND = 1000;
const HOUR = "1h";

/** Carpool's defaults, of which one has to give way where PgBouncer listens. */
const DEFAULT_PORTS = {
  PROXY_PORT_TRANSACTION: "6543",
  PROXY_PORT_SESSION: "5432",
  PROXY_PORT_NATIVE: "6544",
  PORT: "4000",
} as const;

export const GLOBAL_SETTINGS: readonly GlobalSetting[] = [
  // Process and listening
  none("logfile", "The log goes to standard output; the service manager keeps it."),
  none(
    "pidfile",
    "`carpool start` stays in the foreground; the service manager knows its process.",
  ),
  {
    name: "listen_addr",
    counterpart: "LISTEN_ADDRESS",
    without: [""],
    note: "IP addresses only; `*` is `::`, which is IPv4 too. Empty (Unix sockets only) has no counterpart.",
    convert: (value) => (value === "" ? [] : [["LISTEN_ADDRESS", listenAddress(value)]]),
  },
  {
    name: "listen_port",
    counterpart: "PROXY_PORT_TRANSACTION or PROXY_PORT_SESSION",
    note: "The mode is chosen by the port: this one is of `pool_mode`, the other modes have theirs beside it.",
    convert: listenPort,
  },
  none("unix_socket_dir", "There are no Unix sockets: clients connect to 127.0.0.1."),
  none("unix_socket_mode", "There are no Unix sockets."),
  none("unix_socket_group", "There are no Unix sockets."),
  none("user", "Start Carpool as the user that it is to run as."),
  none("listen_backlog", "Carpool chooses it."),
  none("so_reuseport", "Not needed to use several processes by hand."),
  none("tcp_defer_accept", "Carpool chooses it."),
  none("tcp_keepalive", "Keep-alive is always on; see the tenant's `client_heartbeat_interval`."),
  none("tcp_keepcnt", "See the tenant's `client_heartbeat_interval`."),
  none("tcp_keepidle", "See the tenant's `client_heartbeat_interval`."),
  none("tcp_keepintvl", "See the tenant's `client_heartbeat_interval`."),
  none("tcp_user_timeout", "See the tenant's `client_heartbeat_interval`."),
  none("tcp_socket_buffer", "The system chooses it."),
  none("pkt_buf", "Buffers grow and shrink with what they hold."),
  {
    name: "max_packet_size",
    counterpart: "MAX_MESSAGE_SIZE",
    note: "Of clients; at most 1 GB, which is PostgreSQL's own limit and the default.",
    convert: (value) => [["MAX_MESSAGE_SIZE", `${Math.min(Number(value), 1024 ** 3)}B`]],
  },
  none("sbuf_loopcnt", "No client holds up the others."),
  none("conffile", "`--config FILE` when Carpool starts."),
  none("job_name", "For Windows services."),
  none("service_name", "For Windows services."),
  none("resolv_conf", "The system's resolver is used."),
  none("peer_id", "A CancelRequest is answered by the Carpool that gave its key."),
  none("disable_pqexec", "Clients may send simple queries."),
  none("application_name_add_host", "A server's application_name is the client's own."),
  none("login_notify_message", "Clients get no notice after login."),
  // Sizes of pools
  {
    name: "pool_mode",
    counterpart: "the port",
    without: ["statement"],
    note: "`transaction` and `session` are two ports, of which `listen_port` becomes one. `statement` has no counterpart: it becomes `transaction`.",
  },
  {
    name: "max_client_conn",
    counterpart: "MAX_CONNECTIONS, default_max_clients",
    note: "",
    convert: (value) => [["MAX_CONNECTIONS", value]],
  },
  tenants("default_pool_size", "default_pool_size", "0 (no limit) is 10000."),
  count("min_pool_size", "MIN_POOL_SIZE", "Of each pool, once a client has made it."),
  count("reserve_pool_size", "RESERVE_POOL_SIZE"),
  seconds(
    "reserve_pool_timeout",
    "RESERVE_POOL_TIMEOUT",
    HOUR,
    "0, which switches the reserve off, is 1h.",
  ),
  tenants("max_db_connections", "max_server_connections", "0 (no limit) is null."),
  tenants("max_db_client_connections", "max_client_connections", "0 (no limit) is null."),
  none(
    "max_user_connections",
    "A user's servers are limited by pool (`pool_size`) and by tenant (`max_server_connections`), not over all databases.",
  ),
  tenants(
    "max_user_client_connections",
    "default_max_clients",
    "For each tenant, not over all of them.",
  ),
  tenants("server_round_robin", "default_pool_strategy", "1 is `fifo`, 0 is `lifo`."),
  // Session state and protocol
  none(
    "track_extra_parameters",
    "Not needed: every setting of a client follows it from server to server.",
  ),
  none(
    "ignore_startup_parameters",
    "Not needed: every startup parameter and `options` are understood.",
  ),
  {
    name: "max_prepared_statements",
    counterpart: "MAX_PREPARED_STATEMENTS",
    without: ["0"],
    note: "There is no 0: prepared statements are always kept.",
    convert: (value) => (Number(value) === 0 ? [] : [["MAX_PREPARED_STATEMENTS", value]]),
  },
  none("scram_iterations", "Verifiers made of plain passwords have 4096, as PostgreSQL's."),
  none("stats_period", "Rates are made by whoever reads the counters."),
  // Authentication
  {
    name: "auth_type",
    counterpart: "CLIENT_AUTH_METHOD and each secret's own kind",
    without: ["trust", "any", "cert", "ldap", "pam"],
    note: "Clients are asked for SCRAM where the password or a verifier is known, for MD5 where only its md5 hash is. `trust`, `any`, `cert`, `ldap` and `pam` have no counterpart.",
  },
  tenants("auth_file", "users", "Every user is a user of every tenant."),
  tenants(
    "auth_hba_file",
    "allow_list, enforce_ssl",
    "With `auth_type = hba`, where these can say exactly the same; else it is refused.",
  ),
  none("auth_ident_file", "There are no Unix sockets, and clients have no certificates."),
  tenants("auth_user", "users (is_manager)", "Its password comes from `auth_file`."),
  tenants(
    "auth_query",
    "auth_query",
    "Then all secrets come from PostgreSQL: those in `auth_file` are not used for clients.",
  ),
  none("auth_dbname", "auth_query runs in the tenant's own database: what it calls must be there."),
  none("auth_ldap_options", "There is no LDAP."),
  none(
    "admin_users",
    "There is no console in SQL: use the HTTP API, `carpool tenants` and `carpool doctor`.",
  ),
  none("stats_users", "There is no console in SQL: use the HTTP API."),
  // Log
  none("syslog", "The log goes to standard output."),
  none("syslog_ident", "The log goes to standard output."),
  none("syslog_facility", "The log goes to standard output."),
  none("log_connections", "Set LOG_LEVEL."),
  none("log_disconnections", "Set LOG_LEVEL."),
  none("log_pooler_errors", "Set LOG_LEVEL."),
  none("log_stats", "Ask the HTTP API for a tenant's state."),
  {
    name: "verbose",
    counterpart: "LOG_LEVEL",
    note: "1 and more is `debug`.",
    convert: (value) => (Number(value) > 0 ? [["LOG_LEVEL", "debug"]] : []),
  },
  // Checks, lifetimes, timeouts
  none("server_reset_query", "Carpool itself resets what a session has set."),
  none("server_reset_query_always", "Nothing that a client sets is seen by others."),
  seconds("server_check_delay", "SERVER_CHECK_DELAY"),
  none("server_check_query", "An empty query, as PgBouncer's default since 1.25."),
  none("server_fast_close", "Servers are replaced as they come back."),
  seconds(
    "server_lifetime",
    "SERVER_LIFETIME",
    "10s",
    "0 (use each server once) is 10s, the shortest.",
  ),
  seconds("server_idle_timeout", "SERVER_IDLE_TIMEOUT"),
  seconds("server_connect_timeout", "SERVER_CONNECT_TIMEOUT", HOUR, "0 (no limit) is 1h."),
  seconds(
    "server_login_retry",
    "SERVER_LOGIN_RETRY",
    "0",
    "The longest of pauses that begin at 0.1 s.",
  ),
  seconds("client_login_timeout", "CLIENT_LOGIN_TIMEOUT", HOUR, "0 (no limit) is 1h."),
  seconds("client_idle_timeout", "CLIENT_IDLE_TIMEOUT"),
  seconds("query_timeout", "QUERY_TIMEOUT", "0", "The query is cancelled and its client goes on."),
  seconds(
    "query_wait_timeout",
    "POOL_CHECKOUT_TIMEOUT",
    HOUR,
    "0 (no limit) is 1h. The query fails and its client goes on.",
  ),
  none("query_wait_notify", "A client that waits for a server gets no notice."),
  seconds("cancel_wait_timeout", "CANCEL_WAIT_TIMEOUT", HOUR, "0 (no limit) is 1h."),
  seconds("idle_transaction_timeout", "IDLE_TRANSACTION_TIMEOUT"),
  seconds("transaction_timeout", "TRANSACTION_TIMEOUT"),
  none("suspend_timeout", "Nothing is suspended; SHUTDOWN_TIMEOUT is for the end."),
  none("autodb_idle_timeout", "Pools without clients go by themselves."),
  none("pool_idle_timeout", "Pools without clients go by themselves."),
  none("dns_max_ttl", "The system's resolver is asked for each new server."),
  none("dns_nxdomain_ttl", "The system's resolver is asked for each new server."),
  none("dns_zone_check_period", "The system's resolver is asked for each new server."),
  // TLS
  {
    name: "client_tls_sslmode",
    counterpart: "enforce_ssl",
    without: ["verify-ca", "verify-full"],
    note: "`require` and stricter refuse clients without TLS. Certificates of clients are not asked for.",
  },
  path("client_tls_key_file", "GLOBAL_DOWNSTREAM_KEY_PATH"),
  path("client_tls_cert_file", "GLOBAL_DOWNSTREAM_CERT_PATH"),
  none("client_tls_ca_file", "Certificates of clients are not asked for."),
  none("client_tls_protocols", "TLS 1.2 and 1.3."),
  none("client_tls_ciphers", "The runtime's choice."),
  none("client_tls13_ciphers", "The runtime's choice."),
  none("client_tls_ecdhcurve", "The runtime's choice."),
  none("client_tls_dheparams", "The runtime's choice."),
  {
    name: "server_tls_sslmode",
    counterpart: "upstream_ssl, upstream_verify",
    without: ["allow", "prefer"],
    note: "`require` is `none`, `verify-ca` is `peer`, `verify-full` is `full`. `allow` and `prefer` (the default) become no TLS.",
  },
  tenants("server_tls_ca_file", "upstream_tls_ca", "The file's content."),
  none("server_tls_key_file", "Carpool shows servers no certificate."),
  none("server_tls_cert_file", "Carpool shows servers no certificate."),
  none("server_tls_protocols", "TLS 1.2 and 1.3."),
  none("server_tls_ciphers", "The runtime's choice."),
  none("server_tls13_ciphers", "The runtime's choice."),
];

/** Returns PgBouncer's seconds (`600`, `0.5`) as Carpool writes a duration. */
export function secondsAsMs(value: string): number {
  return Math.round(Number(value) * MS_PER_SECOND);
}

function none(name: string, note: string): GlobalSetting {
  return { name, counterpart: null, note };
}

/** Something that each tenant has for itself. */
function tenants(name: string, field: string, note: string): GlobalSetting {
  return { name, counterpart: field, note };
}

function path(name: string, setting: string): GlobalSetting {
  const convert = (value: string) => (value === "" ? [] : [[setting, value] as const]);
  return { name, counterpart: setting, note: "", convert };
}

function count(name: string, setting: string, note = ""): GlobalSetting {
  return { name, counterpart: setting, note, convert: (value) => [[setting, value]] };
}

/** @param zero what PgBouncer's 0 is here */
function seconds(name: string, setting: string, zero = "0", note = ""): GlobalSetting {
  const convert = (value: string): readonly SettingValue[] => {
    const ms = secondsAsMs(value);
    return [[setting, ms === 0 ? zero : `${ms}ms`]];
  };
  return { name, counterpart: setting, note, convert };
}

function listenAddress(value: string): string {
  const addresses = value.split(",").map((address) => address.trim());
  return addresses.includes("*") ? "::" : addresses.join(",");
}

/** The port of `pool_mode`; who else has it by default, gets the one that is free now. */
function listenPort(value: string, all: GlobalValues): readonly SettingValue[] {
  const isSession = (all.get("pool_mode") ?? "session") === "session";
  const own = isSession ? "PROXY_PORT_SESSION" : "PROXY_PORT_TRANSACTION";
  const displaced = Object.entries(DEFAULT_PORTS).filter(
    ([name, port]) => name !== own && port === value,
  );
  return [[own, value], ...displaced.map(([name]) => [name, DEFAULT_PORTS[own]] as const)];
}

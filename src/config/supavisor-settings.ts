/**
 * Settings of Supavisor that Carpool does not have, and what takes their place.
 * They are warnings: an environment moved over from Supavisor works as it is.
 */

/** Why a setting of Supavisor's has no effect here. */
export interface SupavisorSetting {
  /** A sentence that follows the name. */
  readonly explanation: string;
  /** Whether other programs use the name too: then it is no sign of Supavisor in an environment. */
  readonly ordinary: boolean;
}

const only = (explanation: string): SupavisorSetting => ({ explanation, ordinary: false });
const ordinary = (explanation: string): SupavisorSetting => ({ explanation, ordinary: true });

const NO_RELAY = "Carpool has no relay ports between nodes.";
const NO_ERLANG = "Carpool is no Erlang release.";
const ALWAYS_PREPARED = "named prepared statements are always on in transaction mode.";
const ONE_CERTIFICATE =
  "use GLOBAL_DOWNSTREAM_CERT_PATH and GLOBAL_DOWNSTREAM_KEY_PATH, which take ECDSA too.";
const NO_METRICS = "Carpool has no metrics that ask for a token.";
const NO_PUSHER = "Carpool pushes no metrics.";
const NO_CLUSTER = "Carpool forms no Erlang cluster.";
const NO_LABEL = "Carpool has no label for it.";

export const SUPAVISOR_SETTINGS: ReadonlyMap<string, SupavisorSetting> = new Map([
  [
    "PROXY_PORT",
    only(
      "Carpool has no port without a mode; use PROXY_PORT_TRANSACTION, PROXY_PORT_SESSION or PROXY_PORT_NATIVE.",
    ),
  ],
  ["SESSION_PROXY_PORTS", only(NO_RELAY)],
  ["TRANSACTION_PROXY_PORTS", only(NO_RELAY)],
  ["NUM_ACCEPTORS", only("a Carpool process accepts on one event loop; there is nothing to tune.")],
  ["SWITCH_ACTIVE_COUNT", only("Carpool reads sockets as events; there is nothing to tune.")],
  ["SUBSCRIBE_RETRIES", only("a client's login needs no subscription that could be retried.")],
  ["NAMED_PREPARED_STATEMENTS_ENABLED", only(ALWAYS_PREPARED)],
  ["DOWNSTREAM_SERVER_ECDSA_CERT", only(ONE_CERTIFICATE)],
  ["DOWNSTREAM_SERVER_ECDSA_KEY", only(ONE_CERTIFICATE)],
  ["METRICS_DISABLED", only("Carpool has no such switch.")],
  ["APP_NAME_METRIC_ENABLED", only("Carpool has no such switch.")],
  ["PROM_POLL_RATE", only("Carpool polls no metrics.")],
  ["METRICS_PUSHER_ENABLED", only(NO_PUSHER)],
  ["METRICS_PUSHER_URL", only(NO_PUSHER)],
  ["METRICS_PUSHER_USER", only(NO_PUSHER)],
  ["METRICS_PUSHER_AUTH", only(NO_PUSHER)],
  ["METRICS_PUSHER_INTERVAL_MS", only(NO_PUSHER)],
  ["METRICS_PUSHER_TIMEOUT_MS", only(NO_PUSHER)],
  ["METRICS_PUSHER_COMPRESS", only(NO_PUSHER)],
  ["METRICS_PUSHER_EXTRA_LABELS", only(NO_PUSHER)],
  ["METRICS_JWT_SECRET", only(NO_METRICS)],
  ["METRICS_TOKEN_BLOCKLIST", only(NO_METRICS)],
  [
    "CACHE_BYPASS_USERS",
    only("by default Carpool asks for the secret at each login; see AUTH_QUERY_CACHE."),
  ],
  ["NO_WARM_POOL_USERS", only("Carpool opens no server before a client needs it.")],
  ["SUPAVISOR_DB_IP_VERSION", only("the address in DATABASE_URL decides.")],
  ["SUPAVISOR_LOG_FILE_PATH", only("Carpool logs to standard output; redirect it.")],
  ["SUPAVISOR_LOG_FORMAT", only("use LOG_FORMAT.")],
  ["SUPAVISOR_ACCESS_LOG_FILE_PATH", only("Carpool logs to standard output; redirect it.")],
  ["LOGS_ENGINE", only("Carpool logs to standard output.")],
  ["LOGFLARE_API_KEY", ordinary("Carpool logs to standard output.")],
  ["LOGFLARE_SOURCE_ID", ordinary("Carpool logs to standard output.")],
  ["RECONNECT_RETRIES", only("Carpool never reconnects in the middle of a session.")],
  ["RECONNECT_ON_DB_CLOSE", only("Carpool never reconnects in the middle of a session.")],
  ["CLUSTER_POSTGRES", only(NO_CLUSTER)],
  ["CLUSTER_NODES", ordinary(NO_CLUSTER)],
  ["CLUSTER_ID", ordinary(NO_CLUSTER)],
  ["DNS_POLL", only(NO_CLUSTER)],
  ["NODE_NAME", ordinary(NO_CLUSTER)],
  ["NODE_IP", ordinary(NO_CLUSTER)],
  ["RELEASE_COOKIE", ordinary(NO_ERLANG)],
  ["RELEASE_ROOT", ordinary(NO_ERLANG)],
  ["ERL_AFLAGS", ordinary(NO_ERLANG)],
  ["SECRET_KEY_BASE", ordinary("Carpool signs no cookies.")],
  ["ADDR_TYPE", ordinary("use LISTEN_ADDRESS.")],
  ["RLIMIT_NOFILE", ordinary("set the descriptor limit where the process is started.")],
  ["AVAILABILITY_ZONE", ordinary(NO_LABEL)],
  ["REGION", ordinary(NO_LABEL)],
  ["LOCATION_ID", ordinary(NO_LABEL)],
  ["LOCATION_KEY", ordinary(NO_LABEL)],
  ["INSTANCE_ID", ordinary(NO_LABEL)],
  ["AMI_VERSION", ordinary(NO_LABEL)],
]);

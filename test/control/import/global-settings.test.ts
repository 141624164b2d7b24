/**
 * The `[pgbouncer]` section: each setting of PgBouncer 1.25 has its line, and what is set is valid here.
 */

import { describe, expect, test } from "bun:test";
import { loadConfig } from "../../../src/config/load-config.ts";
import { GLOBAL_SETTINGS } from "../../../src/control/import/global-settings.ts";
import { DATABASE_KEYS, USER_KEYS } from "../../../src/control/import/tenant-draft.ts";
import { importText, reportOf } from "./support.ts";

/** As SHOW CONFIG and the reference of PgBouncer 1.25 list them. */
const PGBOUNCER_SETTINGS = `
  admin_users application_name_add_host auth_dbname auth_file auth_hba_file auth_ident_file
  auth_ldap_options auth_query auth_type auth_user autodb_idle_timeout cancel_wait_timeout
  client_idle_timeout client_login_timeout client_tls13_ciphers client_tls_ca_file client_tls_cert_file
  client_tls_ciphers client_tls_dheparams client_tls_ecdhcurve client_tls_key_file client_tls_protocols
  client_tls_sslmode conffile default_pool_size disable_pqexec dns_max_ttl dns_nxdomain_ttl
  dns_zone_check_period idle_transaction_timeout ignore_startup_parameters job_name listen_addr
  listen_backlog listen_port log_connections log_disconnections log_pooler_errors log_stats logfile
  login_notify_message max_client_conn max_db_client_connections max_db_connections max_packet_size
  max_prepared_statements max_user_client_connections max_user_connections min_pool_size peer_id pidfile
  pkt_buf pool_idle_timeout pool_mode query_timeout query_wait_notify query_wait_timeout reserve_pool_size
  reserve_pool_timeout resolv_conf sbuf_loopcnt scram_iterations server_check_delay server_check_query
  server_connect_timeout server_fast_close server_idle_timeout server_lifetime server_login_retry
  server_reset_query server_reset_query_always server_round_robin server_tls13_ciphers server_tls_ca_file
  server_tls_cert_file server_tls_ciphers server_tls_key_file server_tls_protocols server_tls_sslmode
  service_name so_reuseport stats_period stats_users suspend_timeout syslog syslog_facility syslog_ident
  tcp_defer_accept tcp_keepalive tcp_keepcnt tcp_keepidle tcp_keepintvl tcp_socket_buffer tcp_user_timeout
  track_extra_parameters transaction_timeout unix_socket_dir unix_socket_group unix_socket_mode user verbose
`;
const DATABASE_KEY_NAMES = `
  application_name auth_dbname auth_query auth_user client_encoding connect_query datestyle dbname host
  load_balance_hosts max_db_client_connections max_db_connections min_pool_size password pool_mode pool_size
  port query_wait_timeout reserve_pool reserve_pool_size server_lifetime timezone user
`;
const USER_KEY_NAMES = `
  client_idle_timeout idle_transaction_timeout max_user_client_connections max_user_connections pool_mode
  pool_size query_timeout query_wait_timeout reserve_pool_size transaction_timeout
`;

/** The settings that an import of these lines of `[pgbouncer]` writes, but for the two that it always does. */
function settingsOf(...lines: string[]): Record<string, string> {
  const { settings } = importText(["[pgbouncer]", ...lines].join("\n"));
  const { TENANT_BY_DATABASE, MAX_TENANT_POOLS, ...others } = Object.fromEntries(settings);
  expect([TENANT_BY_DATABASE, MAX_TENANT_POOLS]).toEqual(["true", "10000"]);
  return others;
}

describe("the lists of the import", () => {
  test.each([
    ["[pgbouncer]", PGBOUNCER_SETTINGS, GLOBAL_SETTINGS.map(({ name }) => name)],
    ["[databases]", DATABASE_KEY_NAMES, DATABASE_KEYS.map(({ key }) => key)],
    ["[users]", USER_KEY_NAMES, USER_KEYS.map(({ key }) => key)],
  ])("have each word of %s exactly once", (_section, words, known) => {
    expect(known.toSorted()).toEqual(words.trim().split(/\s+/).toSorted());
  });

  test("say what it means where there is no counterpart", () => {
    for (const { counterpart, note } of [...GLOBAL_SETTINGS, ...DATABASE_KEYS, ...USER_KEYS])
      if (counterpart === null) expect(note).not.toBe("");
  });
});

describe("a setting", () => {
  test("of seconds becomes one of milliseconds", () => {
    expect(
      settingsOf("server_idle_timeout = 600", "server_check_delay=0.5", "query_timeout=0"),
    ).toMatchObject({
      SERVER_IDLE_TIMEOUT: "600000ms",
      SERVER_CHECK_DELAY: "500ms",
      QUERY_TIMEOUT: "0",
    });
  });

  test.each([
    ["query_wait_timeout = 0", { POOL_CHECKOUT_TIMEOUT: "1h" }],
    ["server_lifetime = 0", { SERVER_LIFETIME: "10s" }],
    ["client_login_timeout = 0", { CLIENT_LOGIN_TIMEOUT: "1h" }],
    ["reserve_pool_timeout = 0", { RESERVE_POOL_TIMEOUT: "1h" }],
  ])("whose 0 means something else here gets what comes nearest: %p", (line, expected) => {
    expect(settingsOf(line)).toMatchObject(expected);
  });

  test("that is silent has PgBouncer's default where Carpool's is another", () => {
    expect(settingsOf()).toEqual({ POOL_CHECKOUT_TIMEOUT: "120000ms" });
    expect(reportOf(importText("[pgbouncer]"), "(default): query_wait_timeout")).toEqual([
      "(default): query_wait_timeout = 120: other name: POOL_CHECKOUT_TIMEOUT = 120000ms",
    ]);
  });

  test("that is silent tells that a server which offers TLS is reached without", () => {
    const place = "(default): server_tls_sslmode = prefer: differs: ";
    expect(reportOf(importText("[pgbouncer]"), place)).toHaveLength(1);
    expect(reportOf(importText("[pgbouncer]\nserver_tls_sslmode = disable"), place)).toEqual([]);
  });

  test("that stands there twice has its last value, and says so", () => {
    const text = "[pgbouncer]\nquery_timeout = 1\nquery_timeout = 2";
    const imported = importText(text);
    expect(imported.settings.get("QUERY_TIMEOUT")).toBe("2000ms");
    expect(reportOf(imported, "query_timeout")).toEqual([
      "pgbouncer.ini:2: query_timeout = 1: taken over: a later line says otherwise, as for PgBouncer",
      "pgbouncer.ini:3: query_timeout = 2: taken over: QUERY_TIMEOUT = 2000ms. The query is cancelled and its client goes on.",
    ]);
  });

  test("beyond Carpool's range is told, and not written", () => {
    const imported = importText("[pgbouncer]\nserver_idle_timeout = 0.5\nmax_client_conn = many");
    expect([...imported.settings.keys()]).not.toContain("SERVER_IDLE_TIMEOUT");
    expect([...imported.settings.keys()]).not.toContain("MAX_CONNECTIONS");
    expect(reportOf(imported, "differs")[0]).toStartWith(
      "pgbouncer.ini:2: server_idle_timeout = 0.5: differs: SERVER_IDLE_TIMEOUT cannot be 500ms",
    );
  });

  test("that PgBouncer does not know is refused, without its value: it may be a password", () => {
    const imported = importText("[pgbouncer]\npasword = secret");
    expect(imported.ok).toBe(false);
    expect(reportOf(imported, "pasword")).toEqual([
      "pgbouncer.ini:2: pasword: refused: PgBouncer 1.25 has no such setting",
    ]);
    expect(reportOf(imported, "secret")).toEqual([]);
  });

  test.each([
    "auth_type = trust",
    "auth_type = ldap",
    "pool_mode = statement",
    "client_tls_sslmode = verify-full",
    "server_tls_sslmode = prefer",
    "max_prepared_statements = 0",
    "listen_addr =",
  ])("that only half fits says what differs: %p", (line) => {
    const imported = importText(`[pgbouncer]\n${line}`);
    const lines = reportOf(imported, "pgbouncer.ini:2: ");
    expect([imported.ok, lines.length]).toEqual([true, 1]);
    expect(lines[0]).toContain(": differs: ");
  });
});

describe("the port", () => {
  test("is of the pool mode, which is session by default", () => {
    expect(settingsOf("listen_port = 6432")).toMatchObject({ PROXY_PORT_SESSION: "6432" });
    expect(settingsOf("listen_port = 6432", "pool_mode = transaction")).toMatchObject({
      PROXY_PORT_TRANSACTION: "6432",
    });
  });

  test("of another mode gives way where it would be the same", () => {
    expect(settingsOf("listen_port = 5432", "pool_mode = transaction")).toMatchObject({
      PROXY_PORT_TRANSACTION: "5432",
      PROXY_PORT_SESSION: "6543",
    });
    expect(settingsOf("listen_port = 4000")).toMatchObject({
      PROXY_PORT_SESSION: "4000",
      PORT: "5432",
    });
  });
});

test("all settings together are good ones for Carpool", () => {
  const lines = [
    "listen_addr = 127.0.0.1, ::1",
    "listen_port = 6543",
    "pool_mode = session",
    "max_client_conn = 2000",
    "min_pool_size = 1",
    "reserve_pool_size = 2",
    "reserve_pool_timeout = 3",
    "max_packet_size = 2147483647",
    "max_prepared_statements = 100",
    "verbose = 1",
    ...[
      "server_check_delay",
      "server_lifetime",
      "server_idle_timeout",
      "server_connect_timeout",
    ].map((name) => `${name} = 20`),
    ...["server_login_retry", "client_login_timeout", "client_idle_timeout", "query_timeout"].map(
      (name) => `${name} = 20`,
    ),
    ...["query_wait_timeout", "cancel_wait_timeout", "idle_transaction_timeout"].map(
      (name) => `${name} = 20`,
    ),
    "transaction_timeout = 20",
  ];
  const loaded = loadConfig({ env: settingsOf(...lines), file: null });
  if (!loaded.ok) throw new Error(loaded.problems.join("\n"));
  expect(loaded.config).toMatchObject({
    listenAddress: ["127.0.0.1", "::1"],
    proxyPortSession: 6543,
    proxyPortTransaction: 5432,
    maxConnections: 2000,
    poolCheckoutTimeoutMs: 20_000,
    maxMessageSizeBytes: 1024 ** 3,
  });
});

import { describe, expect, test } from "bun:test";
import { isServiceVariable, looksMisspelt, suggestName } from "../../src/config/misspelt-names.ts";
import { SETTINGS } from "../../src/config/settings.ts";

const NAMES = Object.values(SETTINGS).map((setting) => setting.name);

describe("looksMisspelt", () => {
  test.each([
    ["PROXY_PORT_TRANSACTIONS", "PROXY_PORT_TRANSACTION"],
    ["PROXY_PORT_SESION", "PROXY_PORT_SESSION"],
    ["PROXYPORT_SESSION", "PROXY_PORT_SESSION"],
    ["GLOBAL_DOWNSTREAM_CERT", "GLOBAL_DOWNSTREAM_CERT_PATH"],
    ["GLOBAL_UPSTREAM_CA", "GLOBAL_UPSTREAM_CA_PATH"],
    ["VAULT_ENC_KEYS", "VAULT_ENC_KEY"],
    ["VAULT_ENCKEY", "VAULT_ENC_KEY"],
    ["MAX_CONECTIONS", "MAX_CONNECTIONS"],
    ["LOG_LEVLE", "LOG_LEVEL"],
    ["SERVER_IDEL_TIMEOUT", "SERVER_IDLE_TIMEOUT"],
    ["CARPOOL_LOG_LEVEL", "LOG_LEVEL"],
    ["DEFAULT_TENNANT", "DEFAULT_TENANT"],
  ])("finds %s and suggests %s", (name, meant) => {
    expect(looksMisspelt(name, NAMES)).toBe(true);
    expect(suggestName(name, NAMES)).toBe(meant);
  });

  test.each([
    // A shell, a container, a CI run
    ..."PATH HOME PORT_ HOST PWD USER SHELL LANG TERM TMPDIR HOSTNAME EDITOR PAGER CI DISPLAY".split(
      " ",
    ),
    ..."NODE_ENV NODE_OPTIONS NODE_PATH BUN_INSTALL npm_config_port GITHUB_TOKEN INIT_CWD".split(
      " ",
    ),
    // Neighbours on the machine
    ..."DATABASE_HOST DATABASE_URI DATABASE_NAME DATABASE_PORT DB_PORT DB_URL TEST_DATABASE_URL".split(
      " ",
    ),
    ..."PGHOST PGPORT PGDATABASE PGUSER PGPASSWORD POSTGRES_PORT REDIS_URL HTTP_PORT SSH_PORT".split(
      " ",
    ),
    ..."VAULT_ADDR VAULT_TOKEN VAULT_NAMESPACE VAULT_SKIP_VERIFY VAULT_CACERT".split(" "),
    ..."LOG_FILE LOG_DIR LOG_PATH LOGLEVEL RUST_LOG MAX_MEMORY MAX_CLIENTS SERVER_PORT SERVER_NAME".split(
      " ",
    ),
    ..."HTTP_PROXY HTTPS_PROXY NO_PROXY PROXY_URL SHUTDOWN_GRACE LISTEN_FDS LISTEN_PID LISTEN_ADDR".split(
      " ",
    ),
    ..."CLIENT_ID CLIENT_SECRET DEFAULT_REGION DATA_DIR GLOBAL_TIMEOUT CONNECTION_TIMEOUT".split(
      " ",
    ),
  ])("leaves %s alone", (name) => {
    expect(looksMisspelt(name, NAMES)).toBe(false);
  });
});

describe("isServiceVariable", () => {
  test.each([
    ["CARPOOL_SERVICE_HOST", "10.0.0.1"],
    ["CARPOOL_SERVICE_PORT", "6543"],
    ["CARPOOL_SERVICE_PORT_HTTP", "4000"],
    ["CARPOOL_PORT", "tcp://10.0.0.1:6543"],
    ["PROXY_PORT_5432_TCP", "tcp://10.0.0.1:5432"],
    ["PROXY_PORT_5432_TCP_ADDR", "10.0.0.1"],
    ["PROXY_PORT_5432_UDP_PROTO", "udp"],
  ])("knows that Kubernetes sets %s=%s", (name, value) => {
    expect(isServiceVariable(name, value)).toBe(true);
  });

  test.each([
    ["PROXY_PORT_TRANSACTIONS", "6543"],
    ["CARPOOL_PORT", "6543"],
    ["CARPOOL_SERVICE_PORTS", "1"],
  ])("takes %s=%s for an operator's", (name, value) => {
    expect(isServiceVariable(name, value)).toBe(false);
  });
});

describe("suggestName", () => {
  test.each(["FOO", "CARPOOL_COLOUR", "POOL_MODE", ""])("has no idea what %j might be", (name) => {
    expect(suggestName(name, NAMES)).toBeNull();
  });

  test("has no idea where nothing is known", () => {
    expect(suggestName("PORT", [])).toBeNull();
  });
});

import { describe, expect, test } from "bun:test";
import { loadConfig } from "../../src/config/load-config.ts";
import { describeOrigin } from "../../src/config/origin.ts";
import type { Environment } from "../../src/config/unknown-names.ts";

const KEY = "an encryption key of 32 bytes!!!";

function load(env: Environment, text: string | null = null) {
  return loadConfig({ env, file: text === null ? null : { name: "carpool.yaml", text } });
}

function accepted(env: Environment, text: string | null = null) {
  const loaded = load(env, text);
  if (!loaded.ok) throw new Error(loaded.problems.join("\n"));
  return loaded;
}

function problemsOf(env: Environment, text: string | null = null): readonly string[] {
  const loaded = load(env, text);
  return loaded.ok ? [] : loaded.problems;
}

describe("loadConfig", () => {
  test("needs nothing: every setting has a default or may be absent", () => {
    const { config, warnings } = accepted({});
    expect(warnings).toEqual([]);
    expect(config).toEqual({
      proxyPortTransaction: 6543,
      proxyPortSession: 5432,
      proxyPortNative: 6544,
      port: 4000,
      listenAddress: ["::"],
      dataDirectory: ".carpool",
      databaseUrl: "sqlite:.carpool/carpool.db",
      dbPoolSize: 5,
      tenantCacheSize: 100_000,
      vaultEncKey: null,
      globalDownstreamCertPath: null,
      globalDownstreamKeyPath: null,
      globalUpstreamCaPath: null,
      defaultTenant: null,
      tenantByDatabase: false,
      maxConnections: null,
      clientLoginTimeoutMs: 60_000,
      clientIdleTimeoutMs: 0,
      idleTransactionTimeoutMs: 0,
      queryTimeoutMs: 0,
      transactionTimeoutMs: 0,
      clientAuthMethod: "scram-sha-256",
      authQueryCacheMs: 0,
      authQueryTimeoutMs: 5000,
      jitTimeoutMs: 5000,
      cancelWaitTimeoutMs: 10_000,
      proxyProtocol: "off",
      proxyProtocolTrusted: null,
      authFailureLimit: 10,
      authFailureWindowMs: 150_000,
      authFailureBanMs: 120_000,
      poolCheckoutTimeoutMs: 60_000,
      serverConnectAttempts: 4,
      serverFailFastAfterMs: 5000,
      maxTenantPools: 50,
      serverConnectTimeoutMs: 15_000,
      serverLoginRetryMs: 15_000,
      serverIdleTimeoutMs: 600_000,
      serverLifetimeMs: 3_600_000,
      serverCheckDelayMs: 30_000,
      hiddenStateCheck: 3000,
      minPoolSize: 0,
      reservePoolSize: 0,
      maxPins: null,
      reservePoolTimeoutMs: 5_000,
      scramIterationsMax: 1_000_000,
      maxMessageSizeBytes: 1024 ** 3,
      maxPreparedStatements: 200,
      maxClientPreparedStatements: 5000,
      maxTenantStatementMemoryBytes: 256 * 1024 ** 2,
      apiJwtSecret: null,
      apiJwksUrl: null,
      apiJwtRequireExp: true,
      jwtClaimValidators: {},
      apiTokenBlocklist: null,
      apiRateLimit: 200,
      apiMaxRequestSizeBytes: 16 * 1024 ** 2,
      workers: null,
      memoryLimitBytes: 0,
      workerTimeoutMs: 10_000,
      shutdownTimeoutMs: 25_000,
      logLevel: "info",
      logFormat: "json",
    });
  });

  test("takes the environment before the file, and the file before the default", () => {
    const { config, effective } = accepted(
      { PORT: "4001" },
      "port: 4002\nproxy_port_session: 5433\n",
    );
    expect([config.port, config.proxyPortSession, config.proxyPortNative]).toEqual([
      4001, 5433, 6544,
    ]);
    const origins = new Map(effective.map(({ name, origin }) => [name, describeOrigin(origin)]));
    expect(origins.get("PORT")).toBe("environment");
    expect(origins.get("PROXY_PORT_SESSION")).toBe("carpool.yaml:2");
    expect(origins.get("PROXY_PORT_NATIVE")).toBe("default");
  });

  test("counts an empty variable as not set", () => {
    expect(accepted({ PORT: "", VAULT_ENC_KEY: "" }, "port: 4002").config).toMatchObject({
      port: 4002,
      vaultEncKey: null,
    });
  });

  test("puts the store into the data directory, wherever that comes from", () => {
    expect(accepted({ DATA_DIRECTORY: "/var/lib/$&" }).config.databaseUrl).toBe(
      "sqlite:/var/lib/$&/carpool.db",
    );
    expect(accepted({}, "data_directory: /srv").config.databaseUrl).toBe("sqlite:/srv/carpool.db");
    const own = accepted({ DATA_DIRECTORY: "/srv", DATABASE_URL: "sqlite:$DATA_DIRECTORY" });
    expect(own.config.databaseUrl).toBe("sqlite:$DATA_DIRECTORY");
  });

  test("takes a list from YAML and from the environment", () => {
    const addresses = ["127.0.0.1", "::1"];
    expect(accepted({ LISTEN_ADDRESS: "127.0.0.1, ::1" }).config.listenAddress).toEqual(addresses);
    expect(accepted({}, 'listen_address: [127.0.0.1, "::1"]').config.listenAddress).toEqual(
      addresses,
    );
  });

  test("keeps a secret out of what it shows", () => {
    const { config, effective } = accepted({ VAULT_ENC_KEY: KEY });
    expect(config.vaultEncKey).toBe(KEY);
    expect(JSON.stringify(effective)).not.toContain("encryption");
  });

  test("refuses a value with its setting, text, place and range", () => {
    expect(problemsOf({ PROXY_PORT_SESSION: "99999" })).toEqual([
      'PROXY_PORT_SESSION="99999" (environment) must be an integer from 0 to 65535',
    ]);
    expect(problemsOf({}, "\nlog_level: loud")).toEqual([
      'LOG_LEVEL="loud" (carpool.yaml:2) must be one of debug, info, warn, error',
    ]);
    expect(problemsOf({ LISTEN_ADDRESS: "localhost" })).toEqual([
      'LISTEN_ADDRESS="localhost" (environment) must be IP addresses, separated by commas',
    ]);
    expect(problemsOf({}, "port: [4000]")).toEqual([
      'PORT="4000" (carpool.yaml:1) must be an integer from 0 to 65535, not a list',
    ]);
  });

  test("refuses a secret without repeating it", () => {
    expect(problemsOf({ VAULT_ENC_KEY: "hunter2" })).toEqual([
      "VAULT_ENC_KEY=(hidden) (environment) must be exactly 32 bytes, and has 7",
    ]);
  });

  test("refuses another database's URL without repeating its password", () => {
    expect(problemsOf({ DATABASE_URL: "mysql://root:hunter2@localhost:3306/metadata" })).toEqual([
      'DATABASE_URL="mysql:***@localhost:3306/metadata" (environment) must be sqlite:PATH or postgres://USER:PASSWORD@HOST:PORT/DATABASE',
    ]);
  });

  test("takes Supavisor's database URL, with the key that all who share it need", () => {
    const DATABASE_URL = "ecto://postgres:hunter2@localhost:6432/postgres";
    expect(problemsOf({ DATABASE_URL })).toEqual([
      "DATABASE_URL is a PostgreSQL, which several Carpools can share, so VAULT_ENC_KEY must be set, to the same key for all",
    ]);
    expect(problemsOf({ DATABASE_URL, VAULT_ENC_KEY: "k".repeat(32) })).toEqual([]);
  });

  test("tells all problems at once, from both sources", () => {
    const problems = problemsOf(
      { PORT: "x", VAULT_ENC_KEY: "short", PROXY_PORT_TRANSACTOIN: "1" },
      "client_login_timeout: 60\nlog_formt: text\nnested: {a: 1}\n",
    );
    expect(problems.map((problem) => problem.split(/[ =]/)[0])).toEqual([
      "carpool.yaml:3:",
      "PORT",
      "VAULT_ENC_KEY",
      "CLIENT_LOGIN_TIMEOUT",
      "PROXY_PORT_TRANSACTOIN",
      "LOG_FORMT",
    ]);
  });
});

describe("names that are no settings", () => {
  test("are errors in the file, with the right one where it is near", () => {
    expect(problemsOf({}, "proxy_port_transactoin: 1\nfoo: 1")).toEqual([
      "PROXY_PORT_TRANSACTOIN (carpool.yaml:1) is not a setting of Carpool; did you mean PROXY_PORT_TRANSACTION?",
      "FOO (carpool.yaml:2) is not a setting of Carpool; `carpool help settings` lists them all",
    ]);
  });

  test("are errors in the environment where they look like ours", () => {
    expect(problemsOf({ MAX_CONECTIONS: "5", CARPOOL_COLOUR: "red" })).toEqual([
      "MAX_CONECTIONS (environment) is not a setting of Carpool; did you mean MAX_CONNECTIONS?",
      "CARPOOL_COLOUR (environment) is not a setting of Carpool; `carpool help settings` lists them all",
    ]);
  });

  test("are nobody's business in the environment otherwise", () => {
    const env = {
      PATH: "/bin",
      DATABASE_HOST: "db",
      CARPOOL_PORT: "tcp://10.0.0.1:6543",
      MAX_CONECTIONS: "",
    };
    expect(accepted(env).warnings).toEqual([]);
  });

  test("are warnings where they are Supavisor's", () => {
    const env = { PROXY_PORT: "5412", NUM_ACCEPTORS: "100", REGION: "eu", SECRET_KEY_BASE: "x" };
    expect(accepted(env, "region: eu").warnings).toEqual([
      "PROXY_PORT (environment) has no effect: Carpool has no port without a mode; use PROXY_PORT_TRANSACTION, PROXY_PORT_SESSION or PROXY_PORT_NATIVE.",
      "NUM_ACCEPTORS (environment) has no effect: a Carpool process accepts on one event loop; there is nothing to tune.",
      "REGION (carpool.yaml:1) has no effect: Carpool has no label for it.",
    ]);
  });
});

describe("settings that don't go together", () => {
  test.each([
    [
      { PROXY_PORT_SESSION: "6543", PORT: "6543" },
      [
        "PROXY_PORT_TRANSACTION and PROXY_PORT_SESSION must differ: both are 6543",
        "PROXY_PORT_TRANSACTION and PORT must differ: both are 6543",
      ],
    ],
    [
      { LISTEN_ADDRESS: "127.0.0.1,::" },
      ["LISTEN_ADDRESS must be :: alone, since that takes the others too"],
    ],
    [
      { GLOBAL_DOWNSTREAM_CERT_PATH: "a" },
      ["GLOBAL_DOWNSTREAM_CERT_PATH is set, so GLOBAL_DOWNSTREAM_KEY_PATH must be too"],
    ],
    [
      { GLOBAL_DOWNSTREAM_KEY_PATH: "a" },
      ["GLOBAL_DOWNSTREAM_KEY_PATH is set, so GLOBAL_DOWNSTREAM_CERT_PATH must be too"],
    ],
    [
      { CLIENT_AUTH_METHOD: "password" },
      [
        "CLIENT_AUTH_METHOD=password works only inside TLS, so GLOBAL_DOWNSTREAM_CERT_PATH must be set",
      ],
    ],
  ])("refuses %j", (env, problems) => {
    expect(problemsOf(env)).toEqual(problems);
  });

  test("lets several ports be free ones", () => {
    expect(accepted({ PORT: "0", PROXY_PORT_SESSION: "0" }).config.port).toBe(0);
  });

  test("lets passwords be asked for in clear where there is TLS", () => {
    const tls = { GLOBAL_DOWNSTREAM_CERT_PATH: "a", GLOBAL_DOWNSTREAM_KEY_PATH: "b" };
    const { config } = accepted({ ...tls, CLIENT_AUTH_METHOD: "password" });
    expect(config.clientAuthMethod).toBe("password");
  });
});

import { describe, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { formatFieldProblem } from "../../src/tenants/field-problem.ts";
import { validateTenant } from "../../src/tenants/validate-tenant.ts";
import { tenant, tenantInput } from "./fixtures.ts";

const CERTIFICATE = readFileSync(new URL("../support/tls/ca.crt", import.meta.url), "utf8");

const KEY = Buffer.alloc(32, 7).toString("base64");
const VERIFIER = `SCRAM-SHA-256$4096:${Buffer.alloc(16, 5).toString("base64")}$${KEY}:${KEY}`;

/** What is wrong, a line each; nothing if it is right. */
function problems(fields: object, globalUpstreamCa = false): string[] {
  return problemsOf(tenantInput("acme", fields), globalUpstreamCa);
}

function problemsOf(input: unknown, globalUpstreamCa = false): string[] {
  const result = validateTenant(input, { globalUpstreamCa });
  return result.ok ? [] : result.problems.map(formatFieldProblem);
}

const USER = { db_user: "app", db_password: "hunter2" };
const UNTIL = { previous_valid_until: "2099-01-01T00:00:00Z" };

/** Every limit is what the next wider one says. */
const NO_LIMITS = {
  client_idle_timeout: null,
  idle_transaction_timeout: null,
  query_timeout: null,
  transaction_timeout: null,
  pool_checkout_timeout: null,
  server_connect_timeout: null,
  server_login_retry: null,
  server_idle_timeout: null,
  server_lifetime: null,
  server_check_delay: null,
  hidden_state_check: null,
  min_pool_size: null,
  reserve_pool_size: null,
  reserve_pool_timeout: null,
  max_pins: null,
};

const NO_TENANT_LIMITS = {
  ...NO_LIMITS,
  max_client_connections: null,
  max_server_connections: null,
  max_pools: null,
  max_connection_rate: null,
  owners: null,
};

describe("a valid tenant", () => {
  test("has Supavisor's defaults", () => {
    expect(tenant("acme")).toEqual({
      external_id: "acme",
      db_host: "db.example.com",
      db_port: 5432,
      db_database: "postgres",
      ip_version: "auto",
      upstream_ssl: false,
      upstream_verify: null,
      upstream_tls_ca: null,
      enforce_ssl: false,
      require_user: true,
      auth_query: null,
      default_pool_size: 15,
      default_max_clients: 1000,
      default_pool_strategy: "fifo",
      sni_hostname: null,
      client_heartbeat_interval: 60,
      allow_list: ["0.0.0.0/0", "::/0"],
      availability_zone: null,
      feature_flags: {},
      use_jit: false,
      jit_api_url: null,
      default_parameter_status: {},
      banned_at: null,
      banned_until: null,
      ban_reason: null,
      ...NO_TENANT_LIMITS,
      users: [
        {
          ...NO_LIMITS,
          db_user_alias: "app",
          db_user: "app",
          db_password: "hunter2",
          db_password_previous: null,
          previous_valid_until: null,
          pool_size: null,
          mode_type: "transaction",
          is_manager: false,
          max_clients: null,
        },
      ],
    });
  });

  test.each([
    { db_host: "10.0.0.1", ip_version: "v4" },
    { db_host: "fd00::1%eth0", ip_version: "v6" },
    { upstream_ssl: true, upstream_verify: "none" },
    { upstream_ssl: true, upstream_verify: "peer", upstream_tls_ca: CERTIFICATE },
    { upstream_ssl: true, upstream_verify: "full", upstream_tls_ca: CERTIFICATE + CERTIFICATE },
    { use_jit: true, jit_api_url: "https://jit.example.com/" },
    { users: [{ db_user: "pipe", mode_type: "native" }] },
    { users: [] },
    { users: [{ db_user: "app", db_password: `md5${"0123456789abcdef".repeat(2)}` }] },
    { users: [{ db_user: "app", db_password: VERIFIER }] },
    { users: [USER, { ...USER, db_user_alias: "app2" }] },
    { allow_list: [] },
    { db_database: "My Database", users: [{ db_user: "o'neil.ünï", db_password: " " }] },
    { banned_at: "2026-01-01T00:00:00Z", ban_reason: "unpaid" },
  ])("may be %j", (fields) => {
    expect(problems(fields)).toEqual([]);
  });

  test("keeps times in UTC with milliseconds, and host names in lower case", () => {
    const acme = tenant("acme", {
      sni_hostname: "DB.Acme.com",
      banned_at: "2026-01-01T01:00:00+02:00",
      ban_reason: "x",
    });
    expect(acme.banned_at).toBe("2025-12-31T23:00:00.000Z");
    expect(acme.sni_hostname).toBe("db.acme.com");
  });
});

describe("an external_id", () => {
  test.each(["acme", "A-b_9", "_", "0", "x".repeat(63)])("may be %p", (external_id) => {
    expect(problems({ external_id })).toEqual([]);
  });

  test.each([
    "",
    "a.b",
    "a b",
    "-a",
    "a/b",
    "a=b",
    "a\\b",
    "a%20",
    "a@b",
    "ü",
    "a\n",
    "x".repeat(64),
  ])("may not be %p", (external_id) => {
    expect(problems({ external_id })).toEqual([
      expect.stringMatching(/^external_id must be 1 to 63 of A-Z a-z 0-9 _ -/),
    ]);
  });

  test("may not be a number, as YAML reads one without quotes", () => {
    expect(problems({ external_id: 42 })).toEqual([
      expect.stringContaining("needs quotes), not 42"),
    ]);
  });
});

describe("a field is refused", () => {
  test.each([
    ["db_port", 0, "must be a whole number from 1 to 65535, not 0"],
    ["db_port", 65_536, "must be a whole number from 1 to 65535, not 65536"],
    ["db_port", "5432", 'must be a whole number from 1 to 65535, not "5432"'],
    ["db_port", 5432.5, "must be a whole number from 1 to 65535, not 5432.5"],
    ["db_port", 1e300, "must be a whole number from 1 to 65535, not 1e+300"],
    ["db_port", undefined, "is required"],
    ["db_host", undefined, "is required"],
    ["db_database", undefined, "is required"],
    ["external_id", undefined, "is required"],
    ["db_host", "", 'must be a host name or an IP address of 1 to 255 characters, not ""'],
    ["db_host", "a b", 'must be a host name or an IP address of 1 to 255 characters, not "a b"'],
    ["default_pool_size", 10_001, "must be a whole number from 1 to 10000, not 10001"],
    ["default_max_clients", 0, "must be a whole number from 1 to 1000000, not 0"],
    ["client_idle_timeout", -1, "must be a whole number from 0 to 2147483647 ms, not -1"],
    ["client_heartbeat_interval", 86_401, "must be a whole number from 0 to 86400 s, not 86401"],
    ["enforce_ssl", "yes", 'must be true or false, not "yes"'],
    ["ip_version", "v5", 'must be one of auto, v4, v6, not "v5"'],
    ["upstream_verify", "sometimes", 'must be one of none, peer, full, not "sometimes"'],
    ["default_pool_strategy", "random", 'must be one of fifo, lifo, not "random"'],
    ["feature_flags", "x", 'must be a map of names to scalars, not "x"'],
    ["allow_list", "10.0.0.0/8", 'must be a list of ranges in CIDR notation, not "10.0.0.0/8"'],
    ["auth_query", "", 'must be a query of 1 to 4096 characters, not ""'],
    ["ban_reason", "a\nb", 'must be 1 to 255 printable characters on one line, not "a\\nb"'],
  ])("%s: %p", (field, value, message) => {
    expect(problems({ [field]: value })).toEqual([`${field} ${message}`]);
  });

  test.each(["10.0.0.1", "10.0.0.0/33", "::1", "fd00::/129", "example.com/8", 7])(
    "a range of the allow_list: %p",
    (range) => {
      expect(problems({ allow_list: ["::/0", range] })).toEqual([
        expect.stringMatching(/^allow_list\[1\] must be a range in CIDR notation/),
      ]);
    },
  );

  test.each(["a..b", ".a", "a.", "-a.com", "a-.com", "a b.com", `${"x".repeat(64)}.com`, ""])(
    "sni_hostname: %p",
    (sni_hostname) => {
      expect(problems({ sni_hostname })).toEqual([
        expect.stringMatching(/^sni_hostname must be a host name/),
      ]);
    },
  );

  test.each(["2026-01-01", "yesterday", "2026-13-01T00:00:00Z", "2026-01-01T00:00:00", 0])(
    "banned_at: %p",
    (banned_at) => {
      expect(problems({ banned_at, ban_reason: "x" })).toEqual([
        expect.stringMatching(/^banned_at must be a time in ISO 8601/),
      ]);
    },
  );

  test.each([
    ["db_user", "", "must be 1 to 63 bytes"],
    ["db_user", "ü".repeat(32), "must be 1 to 63 bytes"],
    ["db_user", "a\u202eb", "must be 1 to 63 bytes"],
    ["db_user_alias", "a\0b", "must be 1 to 63 bytes"],
    ["pool_size", 0, "must be a whole number from 1 to 10000, not 0"],
    ["mode_type", "statement", "must be one of transaction, session, native"],
    ["pool_checkout_timeout", 0, "must be a whole number from 1 to 3600000 ms, not 0"],
    ["max_clients", 0, "must be a whole number from 1 to 1000000, not 0"],
  ])("of a user, %s: %p", (field, value, message) => {
    expect(problems({ users: [USER, { ...USER, [field]: value }] })).toEqual([
      expect.stringContaining(`users[1].${field} ${message}`),
    ]);
  });

  test("each, when there are several", () => {
    expect(problems({ db_port: 0, enforce_ssl: 1, users: [{}] }).length).toBe(3);
  });
});

describe("an unknown field is refused", () => {
  test.each([
    ["enforce_sll", "is not a known field: did you mean enforce_ssl?"],
    ["Db_Host", "is not a known field: did you mean db_host?"],
    ["colour", "is not a known field"],
    ["pool_size", "is a field of a user"],
    ["id", "is set by Carpool: leave it out"],
    ["inserted_at", "is set by Carpool: leave it out"],
  ])("%s", (field, message) => {
    expect(problems({ [field]: "x" })).toEqual([`${field} ${message}`]);
  });

  test("of a user, without showing what may be a password", () => {
    const users = [{ db_user: "app", db_password: "x", db_pasword: "hunter2", db_host: "h" }];
    expect(problems({ users })).toEqual([
      "users[0].db_pasword is not a known field: did you mean db_password?",
      "users[0].db_host is a field of a tenant",
    ]);
  });
});

describe("no problem shows a secret", () => {
  test.each([
    { users: [{ db_user: "app", db_password: "hunter2\0" }] },
    { users: [{ db_user: "app", db_password: "hunter2".repeat(200) }] },
    { users: [{ ...USER, db_password: "x", db_password_previous: "hunter2\0", ...UNTIL }] },
    { users: "hunter2" },
    { users: ["hunter2"] },
    { users: [{ db_user: ["hunter2"] }] },
    { upstream_tls_ca: "hunter2" },
    { jit_api_url: "https://me:hunter2@jit.example.com/" },
    { hunter: "hunter2" },
    { feature_flags: { token: ["hunter2"] } },
  ])("in %j", (fields) => {
    expect(problems(fields).join()).not.toBe("");
    expect(problems(fields).join()).not.toContain("hunter2");
  });

  test("nor the whole of a long value", () => {
    expect(problems({ db_host: " ".repeat(10_000) }).join().length).toBeLessThan(200);
  });
});

describe("what is no tenant is refused", () => {
  test.each([[null], [undefined], ["acme"], [7], [[]]])("%p", (input) => {
    expect(problemsOf(input)).toEqual(["must be a map of fields"]);
  });
});

describe("fields that do not fit each other are refused", () => {
  test.each<[string, object]>([
    ["upstream_verify is required with upstream_ssl", { upstream_ssl: true }],
    ["upstream_verify needs upstream_ssl: true", { upstream_verify: "none" }],
    ["upstream_verify needs certificates", { upstream_ssl: true, upstream_verify: "peer" }],
    ["upstream_verify needs certificates", { upstream_ssl: true, upstream_verify: "full" }],
    ["ip_version does not fit", { db_host: "::1", ip_version: "v4" }],
    ["ip_version does not fit", { db_host: "127.0.0.1", ip_version: "v6" }],
    ["auth_query must contain $1", { auth_query: "select 1" }],
    ["jit_api_url is required with use_jit", { use_jit: true }],
    ["ban_reason is required with banned_at", { banned_at: "2026-01-01T00:00:00Z" }],
    ["banned_until needs banned_at", { banned_until: "2026-01-01T00:00:00Z" }],
    ["ban_reason needs banned_at", { ban_reason: "x" }],
    ["users[0].db_password is required", { users: [{ db_user: "app" }] }],
    ["users[1].db_user_alias must differ", { users: [USER, USER] }],
    [
      "users[1].db_user_alias must differ",
      { users: [USER, { ...USER, db_user: "other", db_user_alias: "app" }] },
    ],
    [
      "users[0].db_password begins as a SCRAM verifier and is none",
      { users: [{ db_user: "app", db_password: "SCRAM-SHA-256$4096:c2FsdA==$c3RvcmVk" }] },
    ],
    [
      "users[0].previous_valid_until is required with db_password_previous",
      { users: [{ ...USER, db_password_previous: "old" }] },
    ],
    [
      "users[0].previous_valid_until needs db_password_previous",
      { users: [{ ...USER, ...UNTIL }] },
    ],
    [
      "users[0].db_password_previous begins as a SCRAM verifier and is none",
      { users: [{ ...USER, db_password_previous: "SCRAM-SHA-256$cut", ...UNTIL }] },
    ],
    [
      "users[0].db_password_previous needs db_password",
      { users: [{ db_user: "n", mode_type: "native", db_password_previous: "old", ...UNTIL }] },
    ],
    [
      "users[0].is_manager cannot be true",
      { users: [{ ...USER, is_manager: true, mode_type: "native" }] },
    ],
  ])("%s", (message, fields) => {
    expect(problems(fields)).toEqual([expect.stringContaining(message)]);
  });

  test("without require_user: only the manager needs a password", () => {
    const queried = { require_user: false, auth_query: "select $1" };
    const manager = { db_user: "boss", db_password: "x", is_manager: true };
    expect(problems({ ...queried, users: [manager, { db_user: "app" }] })).toEqual([]);
    expect(problems({ ...queried, users: [{ ...manager, db_password: null }] })).toEqual([
      "users[0].db_password is required unless mode_type is native",
    ]);
  });

  test("without require_user: no auth_query and no manager, or two", () => {
    expect(problems({ require_user: false })).toEqual([
      "auth_query is required with require_user: false",
      expect.stringContaining(
        "exactly one user with is_manager: true where require_user is false; there are 0",
      ),
    ]);
    const manager = { ...USER, is_manager: true };
    const users = [manager, { ...manager, db_user: "other" }];
    expect(problems({ require_user: false, auth_query: "select $1", users })).toEqual([
      expect.stringContaining("there are 2"),
    ]);
  });

  test("but a global authority is as good as a tenant's own", () => {
    expect(problems({ upstream_ssl: true, upstream_verify: "full" }, true)).toEqual([]);
  });
});

describe("certificates are refused", () => {
  test.each([
    "",
    "not PEM",
    "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----",
    `${CERTIFICATE}\n-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----`,
    `${CERTIFICATE}\n-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----`,
  ])("if they are %j", (upstream_tls_ca) => {
    expect(problems({ upstream_tls_ca })).toEqual([
      "upstream_tls_ca must be one or more X.509 certificates in PEM, and nothing that holds a private key",
    ]);
  });
});

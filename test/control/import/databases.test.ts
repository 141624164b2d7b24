/**
 * `[databases]`, `[users]` and the files beside them, as tenants.
 */

import { describe, expect, test } from "bun:test";
import { type Files, importText, reportOf, tenantOf } from "./support.ts";

const USERS: Files = {
  "u.txt": '"app" "app-password"\n"report" "md50123456789abcdef0123456789abcdef"\n"twin" "pool"',
};

/** An import of `databases` lines, after `global` ones, with the users above. */
function importDatabases(databases: string, global = "", files: Files = {}, more = "") {
  const text = `[databases]\n${databases}\n[pgbouncer]\nauth_file = u.txt\n${global}\n${more}`;
  return importText(text, { ...USERS, ...files });
}

describe("a database", () => {
  test("is a tenant of its name, with every user of the list", () => {
    const imported = importDatabases("shop = host=db1 port=5433 dbname=shop_prod pool_size=7");
    expect(imported.ok).toBe(true);
    expect(tenantOf(imported, "shop")).toMatchObject({
      db_host: "db1",
      db_port: 5433,
      db_database: "shop_prod",
      default_pool_size: 7,
      default_pool_strategy: "lifo",
      require_user: true,
      users: [{ db_user: "app" }, { db_user: "report" }, { db_user: "twin" }],
    });
    expect(reportOf(imported, "database shop")).toEqual([
      "pgbouncer.ini:2: database shop: taken over: tenant shop, host → db_host, port → db_port, dbname → db_database, pool_size → default_pool_size",
    ]);
  });

  test("has what [pgbouncer] says for all, and its own words before that", () => {
    const global =
      "max_db_connections=9\nmax_client_conn=500\nserver_round_robin=1\nclient_tls_sslmode=require";
    const imported = importDatabases("a = host=x\nb = host=x max_db_connections=0", global);
    expect(tenantOf(imported, "a")).toMatchObject({
      db_database: "a",
      default_pool_size: 20,
      default_pool_strategy: "fifo",
      default_max_clients: 500,
      max_server_connections: 9,
      enforce_ssl: true,
    });
    expect(tenantOf(imported, "b").max_server_connections).toBeNull();
  });

  test("has times in ms, and no limit where PgBouncer has none", () => {
    const keys = "pool_size=0 query_wait_timeout=0 server_lifetime=90 max_db_client_connections=3";
    expect(tenantOf(importDatabases(`a = host=x ${keys}`), "a")).toMatchObject({
      default_pool_size: 10_000,
      pool_checkout_timeout: 3_600_000,
      server_lifetime: 90_000,
      max_client_connections: 3,
    });
  });

  test("is told where it had a Unix socket, more hosts, or what has no counterpart", () => {
    const imported = importDatabases(
      "a =\nb = host=/run\nc = host=x,y\nd = host=x connect_query='set x' timezone=UTC",
    );
    expect(imported.ok).toBe(true);
    expect(tenantOf(imported, "b").db_host).toBe("127.0.0.1");
    expect(tenantOf(imported, "c").db_host).toBe("x");
    expect(reportOf(imported, "127.0.0.1")).toHaveLength(2);
    expect(reportOf(imported, "only the first")).toHaveLength(1);
    expect(reportOf(imported, "connect_query: no counterpart")).toHaveLength(1);
    expect(reportOf(imported, "timezone: no counterpart")).toHaveLength(1);
  });

  test("whose name can be no tenant's gets what is left of it, and never that of another", () => {
    const imported = importDatabases('"my db" = host=x\nmy_db = host=y\n"-a.b" = host=z');
    expect(imported.tenants.map(({ external_id, db_host }) => [external_id, db_host])).toEqual([
      ["my_db_2", "x"],
      ["my_db", "y"],
      ["_a_b", "z"],
    ]);
    expect(tenantOf(imported, "my_db_2").db_database).toBe("my db");
    expect(reportOf(imported, "user.my_db_2")).toHaveLength(1);
  });

  test("that stands there twice is what its last line says", () => {
    const imported = importDatabases("a = host=x\na = host=y");
    expect(imported.tenants.map(({ db_host }) => db_host)).toEqual(["y"]);
  });

  test.each([
    ["a = host", "is not made of `key=value`"],
    ["a = hots=x", "PgBouncer 1.25 has no key hots"],
    ["a = host=x port=0", "db_port must be a whole number from 1 to 65535, not 0"],
    ["a = host=x pool_size=many", "default_pool_size must be a whole number"],
  ])("is refused with its line: %p", (line, reason) => {
    const imported = importDatabases(line);
    expect(imported.ok).toBe(false);
    expect(reportOf(imported, `pgbouncer.ini:2: database a: refused: ${reason}`)).toHaveLength(1);
  });
});

describe("the wildcard", () => {
  test("is the default tenant, whose clients name their database", () => {
    const imported = importDatabases("* = host=x\na = host=y");
    expect(imported.settings.get("DEFAULT_TENANT")).toBe("any_database");
    expect(tenantOf(imported, "any_database")).toMatchObject({
      db_host: "x",
      db_database: "postgres",
    });
    expect(importDatabases("a = host=y").settings.has("DEFAULT_TENANT")).toBe(false);
  });

  test("never takes a database's name, and says that it forces none", () => {
    const imported = importDatabases("any_database = host=y\n* = host=x dbname=one");
    expect(imported.settings.get("DEFAULT_TENANT")).toBe("any_database_2");
    expect(reportOf(imported, "dbname is not forced")).toHaveLength(1);
  });
});

describe("who may log in", () => {
  test("has the limits of [users]", () => {
    const more = "[users]\napp = pool_size=3 query_timeout=1.5 pool_mode=session";
    const imported = importDatabases("a = host=x", "", {}, more);
    expect(tenantOf(imported, "a").users[0]).toMatchObject({ pool_size: 3, query_timeout: 1500 });
    expect(tenantOf(imported, "a").users[1]).toMatchObject({ pool_size: null });
    expect(reportOf(imported, "user app, pool_mode: no counterpart")).toHaveLength(1);
  });

  test("is asked of PostgreSQL where there is an auth_user", () => {
    const imported = importDatabases(
      "a = host=x\nb = host=y auth_query='select f($1)'",
      "auth_user=app",
    );
    expect(tenantOf(imported, "a")).toMatchObject({
      require_user: false,
      users: [{ db_user: "app", is_manager: true, db_password: "app-password" }],
    });
    expect(tenantOf(imported, "a").auth_query).toContain("$1");
    expect(tenantOf(imported, "b").auth_query).toBe("select f($1)");
  });

  test("is who has the forced user's own password; the others are told, one by one", () => {
    const imported = importDatabases("a = host=x user=owner password=pool");
    expect(imported.ok).toBe(true);
    expect(tenantOf(imported, "a").users).toMatchObject([
      { db_user_alias: "twin", db_user: "owner", db_password: "pool" },
      { db_user_alias: "owner", db_user: "owner", db_password: "pool" },
    ]);
    expect(reportOf(imported, "user app has another password than the forced user")).toHaveLength(
      1,
    );
    expect(reportOf(imported, "user report has another")).toHaveLength(1);
    expect(reportOf(imported, "log in as the forced user owner itself")).toHaveLength(1);
  });

  test.each([
    ["a = host=x auth_user=gone", "auth_user gone has no password in auth_file"],
    ["a = host=x user=gone", "the forced user gone has no password here nor in auth_file"],
    ["a = host=x auth_user=app auth_query='select 1'", "auth_query must contain $1"],
  ])("is refused without a password or a name to ask for: %p", (line, reason) => {
    expect(reportOf(importDatabases(line), `refused: ${reason}`)).toHaveLength(1);
  });

  test("is nobody without a list, and who has no secret is left out", () => {
    const nobody = importText("[databases]\na = host=x");
    expect(nobody.ok).toBe(true);
    expect(reportOf(nobody, "nobody can log in yet")).toHaveLength(1);
    const empty = importDatabases("a = host=x", "", { "u.txt": '"app" ""' });
    expect(reportOf(empty, 'user "app": no counterpart: has no secret')).toHaveLength(1);
  });

  test("is not read from a list with a mistake in it, and no secret is in the report", () => {
    const imported = importDatabases("a = host=x password=hidden user=o", "", {
      "u.txt": '"app" "app-password"\nbroken "very-secret"',
    });
    expect(imported.ok).toBe(false);
    for (const secret of ["app-password", "very-secret", "hidden"])
      expect(reportOf(imported, secret)).toEqual([]);
  });
});

describe("where clients may come from", () => {
  const HBA = "auth_type = hba\nauth_hba_file = hba";

  test("is the tenant's own list", () => {
    const hba = "hostssl a all 10.0.0.0/8 md5\nhost b all all md5";
    const imported = importDatabases("a = host=x\nb = host=x\nc = host=x", HBA, { hba });
    expect(tenantOf(imported, "a")).toMatchObject({
      allow_list: ["10.0.0.0/8"],
      enforce_ssl: true,
    });
    expect(tenantOf(imported, "b")).toMatchObject({ enforce_ssl: false });
    expect(tenantOf(imported, "c").allow_list).toEqual([]);
  });

  test("is refused where a list cannot say it, unless the rules are left out on purpose", () => {
    const files = { hba: "host all app 10.0.0.0/8 md5" };
    const imported = importDatabases("a = host=x", HBA, files);
    expect(reportOf(imported, "hba:1: database a: refused: is for some users only")).toHaveLength(
      1,
    );
    const text = `[databases]\na = host=x\n[pgbouncer]\n${HBA}`;
    const without = importText(text, files, true);
    expect(without.ok).toBe(true);
    expect(reportOf(without, "HBA rules: differs")).toHaveLength(1);
  });

  test("is refused for the wildcard where a rule is for one of its databases", () => {
    const imported = importDatabases("* = host=x", HBA, { hba: "host one all all md5" });
    expect(reportOf(imported, "an HBA rule is for one of its databases only")).toHaveLength(1);
  });

  test("is not looked at without auth_type = hba, and must be there with it", () => {
    const unread = importDatabases("a = host=x", "auth_hba_file = gone");
    expect(tenantOf(unread, "a").allow_list).toEqual(["0.0.0.0/0", "::/0"]);
    expect(importDatabases("a = host=x", HBA).ok).toBe(false);
    expect(importDatabases("a = host=x", "auth_type = hba").ok).toBe(false);
  });
});

describe("TLS to servers", () => {
  test.each([
    ["disable", false, null],
    ["prefer", false, null],
    ["require", true, "none"],
  ])("%s", (mode, upstream_ssl, upstream_verify) => {
    const imported = importDatabases("a = host=x", `server_tls_sslmode = ${mode}`);
    expect(tenantOf(imported, "a")).toMatchObject({ upstream_ssl, upstream_verify });
  });

  test("is verified against the file's certificates, and refused without", () => {
    expect(importDatabases("a = host=x", "server_tls_sslmode = verify-full").ok).toBe(false);
    const global = "server_tls_sslmode = verify-ca\nserver_tls_ca_file = ca";
    const wrong = importDatabases("a = host=x", global, { ca: "no certificate" });
    expect(reportOf(wrong, "upstream_tls_ca must be")).toHaveLength(1);
    expect(reportOf(importDatabases("a = host=x", global), "cannot be read")).toHaveLength(1);
  });
});

test("sections that PgBouncer does not know are refused, and peers are told", () => {
  expect(importText("[pgbuoncer]\nlogfile = x").ok).toBe(false);
  expect(reportOf(importText("[peers]\n1 = host=x"), "peer 1: no counterpart")).toHaveLength(1);
});

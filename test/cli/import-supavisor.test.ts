import { afterAll, beforeAll, beforeEach, describe, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { Client } from "pg";
import { runCli } from "../../src/cli/run-cli.ts";
import type { Environment } from "../../src/config/unknown-names.ts";
import { startPooler, type TestPooler } from "../support/pooler.ts";
import { startPostgres, type TestPostgres } from "../support/postgres.ts";
import { SUPAVISOR_KEY, SupavisorDatabase } from "../support/supavisor.ts";
import { makeTemporaryFolder, type TemporaryFolder } from "../support/temporary-folder.ts";
import { TLS_FIXTURES } from "../support/tls-fixtures.ts";

const CARPOOL_KEY = "a key of Carpool, of 32 bytes...";

let postgres: TestPostgres;
let folder: TemporaryFolder;
let supavisor: SupavisorDatabase;
/** Carpool's own metadata database. */
let url: string;
let databases = 0;

beforeAll(async () => {
  postgres = await startPostgres();
  folder = await makeTemporaryFolder();
  await postgres.query("create role app login password 'its password'");
});
afterAll(async () => {
  await postgres.stop();
  await folder.remove();
});

beforeEach(async () => {
  databases += 1;
  supavisor = await new SupavisorDatabase(postgres, `supavisor_${databases}`).make();
  await postgres.query(`create database carpool_${databases}`);
  url = postgres.connectionString({ database: `carpool_${databases}` });
});

function environment(): Record<string, string> {
  return { DATABASE_URL: url, VAULT_ENC_KEY: CARPOOL_KEY, SUPAVISOR_VAULT_ENC_KEY: SUPAVISOR_KEY };
}

async function run(args: readonly string[], env: Environment = {}) {
  let out = "";
  let error = "";
  const exitCode = await runCli(args, {
    env: { ...environment(), ...env },
    workingDirectory: folder.path,
    now: () => 0,
    writeOut: (text) => void (out += text),
    writeError: (text) => void (error += text),
  });
  return { exitCode, out, error };
}

function importAll(...options: readonly string[]) {
  return run(["import", "supavisor", "--from", supavisor.url, ...options]);
}

/** What `carpool tenants` knows now. */
async function tenants(): Promise<unknown> {
  return JSON.parse((await run(["tenants", "--json"])).out);
}

function pooler(): Promise<TestPooler> {
  return startPooler(postgres, { env: environment() });
}

async function userSeen(port: number, user: string, password: string): Promise<unknown> {
  const client = new Client({ host: "127.0.0.1", port, user, password, database: "postgres" });
  await client.connect();
  try {
    return (await client.query<{ name: string }>("select current_user as name")).rows[0]?.name;
  } finally {
    await client.end();
  }
}

describe("carpool import supavisor", () => {
  test("lets a client of Supavisor log in with the password it has, to a tenant and to a cluster", async () => {
    await supavisor.addTenant("acme");
    await supavisor.addUser("acme", "app", "its password");
    await supavisor.addCluster("main", ["acme", "write"]);
    expect(await importAll()).toMatchObject({ exitCode: 0, error: "" });
    await using carpool = await pooler();
    const port = carpool.portOf("transaction");
    expect(await userSeen(port, "app.acme", "its password")).toBe("app");
    expect(await userSeen(port, "app.cluster.main", "its password")).toBe("app");
  });

  test("takes every field that says something, and leaves defaults to the settings", async () => {
    await supavisor.addTenant("acme", {
      ip_version: "v4",
      upstream_ssl: true,
      upstream_verify: "peer",
      upstream_tls_ca: certificate(),
      enforce_ssl: true,
      require_user: false,
      auth_query: "select usename, passwd from pg_shadow where usename = $1",
      default_pool_size: 7,
      default_max_clients: 70,
      sni_hostname: "acme.example.com",
      client_heartbeat_interval: 30,
      allow_list: ["10.0.0.0/8"],
      availability_zone: "eu-west-1a",
      banned_at: "2026-01-02 03:04:05",
      ban_reason: "unpaid",
    });
    await supavisor.addUser("acme", "app", "x", { is_manager: true, pool_checkout_timeout: 100 });
    expect(await importAll()).toMatchObject({ exitCode: 0, error: "" });
    expect(await tenants()).toMatchObject([
      {
        external_id: "acme",
        ip_version: "v4",
        upstream_verify: "peer",
        enforce_ssl: true,
        require_user: false,
        default_pool_size: 7,
        default_max_clients: 70,
        sni_hostname: "acme.example.com",
        client_idle_timeout: null,
        client_heartbeat_interval: 30,
        allow_list: ["10.0.0.0/8"],
        availability_zone: "eu-west-1a",
        banned_at: "2026-01-02T03:04:05.000Z",
        ban_reason: "unpaid",
        default_parameter_status: { server_version: "15.1" },
        users: [{ db_user: "app", is_manager: true, pool_size: 3, pool_checkout_timeout: 100 }],
      },
    ]);
  });

  test("says line by line what is done, without a password", async () => {
    await supavisor.addTenant("acme", { feature_flags: { named_prepared_statements: true } });
    await supavisor.addUser("acme", "app", "hunter2");
    await supavisor.addUser("acme", "app", "hunter2", { mode_type: "session", pool_size: 9 });
    await supavisor.addCluster("main", ["acme", "read"]);
    await supavisor.query("alter table _supavisor.tenants add column colour varchar default 'red'");
    const { exitCode, out } = await importAll();
    expect(exitCode).toBe(0);
    for (const line of [
      "note: tenant acme: colour has no counterpart and was left out",
      "note: tenant acme: feature_flags are kept and change nothing here: named_prepared_statements",
      "note: tenant acme: user app: the record for session mode, with a pool_size of 9, was left out: one record serves both modes",
      "cluster main: acme (read)",
      "+ tenant acme",
      "1 to create, 0 to change, 0 to delete",
    ])
      expect(out).toContain(line);
    expect(out).not.toContain("hunter2");
  });

  test("changes nothing in a dry run, and writes only what is new when it is done again", async () => {
    await supavisor.addTenant("acme");
    await supavisor.addUser("acme", "app", "x");
    await supavisor.addCluster("main", ["acme", "write"]);
    expect((await importAll("--dry-run")).out).toContain("(dry run: nothing was changed)");
    expect(await tenants()).toEqual([]);
    await importAll();
    expect(await importAll()).toEqual({ exitCode: 0, out: "nothing to do\n", error: "" });
    await supavisor.addTenant("beta");
    const { out } = await importAll();
    expect(out).toContain("+ tenant beta");
    expect(out).not.toContain("acme");
  });

  test("takes over nobody if one tenant cannot be, and says of each what is wrong", async () => {
    await supavisor.addTenant("acme");
    await supavisor.addTenant("a.b");
    await supavisor.addTenant("big", { default_pool_size: 0 });
    await supavisor.addTenant("one", { sni_hostname: "db.example.com" });
    await supavisor.addTenant("two", { sni_hostname: "db.example.com" });
    const { exitCode, out, error } = await importAll();
    expect([exitCode, out]).toEqual([1, ""]);
    for (const line of [
      "tenant a.b: external_id must be 1 to 63 of A-Z a-z 0-9 _ -",
      "tenant big: default_pool_size must be a whole number from 1 to 10000, not 0",
      "tenant two: sni_hostname db.example.com belongs to tenant one",
      "error: nothing was imported",
    ])
      expect(error).toContain(line);
    expect(await tenants()).toEqual([]);
  });

  test("refuses two users of one name whose passwords differ", async () => {
    await supavisor.addTenant("acme");
    await supavisor.addUser("acme", "app", "hunter2");
    await supavisor.addUser("acme", "app", "hunter3", { mode_type: "session" });
    const { exitCode, error } = await importAll();
    expect(exitCode).toBe(1);
    expect(error).toContain("db_user_alias must differ from the other users'");
    expect(error).not.toContain("hunter");
  });

  test("says once that the key is another, but which password where it is one", async () => {
    await supavisor.addTenant("acme");
    await supavisor.addUser("acme", "app", "x", { db_pass_encrypted: Buffer.from("junk") });
    expect(await importAll()).toMatchObject({
      exitCode: 1,
      error:
        "error: no password of Supavisor can be decrypted: SUPAVISOR_VAULT_ENC_KEY is not the key it was started with\n",
    });
    await supavisor.addUser("acme", "other", "x");
    expect((await importAll()).error).toContain(
      "tenant acme: users[0].db_password cannot be decrypted",
    );
  });

  test("leaves the store as it was where a cluster here has one of the tenants", async () => {
    await supavisor.addTenant("acme");
    await supavisor.addCluster("main", ["acme", "write"]);
    await importAll();
    await supavisor.query("update _supavisor.tenants set db_port = 1");
    await supavisor.query(
      "insert into _supavisor.clusters (alias) values ('next'); update _supavisor.cluster_tenants set cluster_alias = 'next'; delete from _supavisor.clusters where alias = 'main'",
    );
    const { exitCode, error } = await importAll();
    expect(exitCode).toBe(1);
    expect(error).toContain("clusters: tenant acme is in cluster main already");
    expect(await tenants()).toMatchObject([{ db_port: postgres.port }]);
  });

  test("reads a Supavisor from before there were clusters", async () => {
    await supavisor.query("drop table _supavisor.cluster_tenants, _supavisor.clusters");
    await supavisor.addTenant("acme");
    expect((await importAll()).out).toContain("1 to create");
  });

  test.each([
    ["a database without Supavisor", () => postgres.connectionString(), "it has no table"],
    ["a database that is not there", () => "postgres://u:hunter2@127.0.0.1:1/x", "cannot be read"],
  ])("refuses %s", async (_, from, message) => {
    const { exitCode, error } = await run(["import", "supavisor", "--from", from()]);
    expect(exitCode).toBe(1);
    expect(error).toContain(message);
    expect(error).not.toContain("hunter2");
  });

  test("asks where the database is, and takes SUPAVISOR_DATABASE_URL for an answer", async () => {
    expect(await run(["import", "supavisor"])).toMatchObject({ exitCode: 2 });
    const env = { SUPAVISOR_DATABASE_URL: supavisor.url.replace("postgres:", "ecto:") };
    expect(await run(["import", "supavisor"], env)).toMatchObject({ exitCode: 0 });
  });

  test("asks for a key that can be one", async () => {
    const env = { SUPAVISOR_VAULT_ENC_KEY: "short" };
    const { exitCode, error } = await run(["import", "supavisor", "--from", supavisor.url], env);
    expect([exitCode, error]).toEqual([
      1,
      "error: the VAULT_ENC_KEY of Supavisor has 32 bytes, and the one that was given 5\n",
    ]);
  });
});

function certificate(): Buffer {
  const pem = readFileSync(TLS_FIXTURES.ca, "utf8");
  return Buffer.from(pem.replace(/-----[A-Z ]+-----/g, ""), "base64");
}

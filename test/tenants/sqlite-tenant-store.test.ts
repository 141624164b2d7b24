import { Database } from "bun:sqlite";
import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { chmodSync, mkdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { MigrationFailedError } from "../../src/tenants/migrations.ts";
import { SecretNotOpenedError } from "../../src/tenants/secret-box.ts";
import { rejectionOf } from "../support/rejection.ts";
import { makeTemporaryFolder, type TemporaryFolder } from "../support/temporary-folder.ts";
import { tenant } from "./fixtures.ts";
import { openStore } from "./store-fixtures.ts";
import { describeTenantStore } from "./tenant-store-contract.ts";

describeTenantStore("SQLite", async () => {
  const folder = await makeTemporaryFolder();
  return {
    open: () => openStore(join(folder.path, "tenants.sqlite")),
    remove: () => folder.remove(),
  };
});

describe("the SQLite file", () => {
  let folder: TemporaryFolder;
  let path: string;

  beforeEach(async () => {
    folder = await makeTemporaryFolder();
    path = join(folder.path, "tenants.sqlite");
  });

  afterEach(() => folder.remove());

  test("is for its owner only, with what SQLite puts beside it", async () => {
    const store = await openStore(path);
    await store.write([{ kind: "put", tenant: tenant("acme") }]);
    const modes = ["", "-wal", "-shm"].map((suffix) => statSync(path + suffix).mode & 0o777);
    expect(modes).toEqual([0o600, 0o600, 0o600]);
    await store.close();
  });

  test("holds no password in plain text", async () => {
    const store = await openStore(path);
    await store.write([{ kind: "put", tenant: tenant("acme") }]);
    await store.close();
    const bytes = readFileSync(path, "latin1");
    expect(bytes).toContain("acme");
    expect(bytes).not.toContain("hunter2");
  });

  test("is found again with what was in it", async () => {
    const first = await openStore(path);
    await first.write([{ kind: "put", tenant: tenant("acme") }]);
    await first.close();
    const second = await openStore(path);
    expect((await second.get("acme"))?.users[0]?.db_password).toBe("hunter2");
    await second.close();
  });

  test("of the first schema keeps its idle timeouts, and takes 0 for not said", async () => {
    const first = await openStore(path);
    await first.write(
      ["never", "soon"].map((name) => ({ kind: "put" as const, tenant: tenant(name) })),
    );
    await first.close();
    using database = new Database(path);
    database.run("drop table cluster_tenants");
    database.run("drop table clusters");
    database.run("alter table users drop column db_pass_previous_encrypted");
    database.run("alter table users drop column previous_valid_until");
    database.run("alter table users drop column user_limits");
    database.run("alter table tenants drop column limits");
    database.run("alter table tenants add column client_idle_timeout integer not null default 0");
    database.run("update tenants set client_idle_timeout = 5000 where external_id = 'soon'");
    database.run("update users set pool_checkout_timeout = 3000 where tenant_external_id = 'soon'");
    database.run("delete from carpool_migrations where name > '0001-tenants-and-users'");
    const second = await openStore(path);
    expect((await second.get("soon"))?.client_idle_timeout).toBe(5000);
    expect((await second.get("never"))?.client_idle_timeout).toBeNull();
    expect((await second.get("soon"))?.users[0]?.pool_checkout_timeout).toBe(3000);
    expect((await second.get("never"))?.users[0]?.pool_checkout_timeout).toBeNull();
    await second.write([{ kind: "put", tenant: tenant("later", { client_idle_timeout: 0 }) }]);
    expect((await second.get("later"))?.client_idle_timeout).toBe(0);
    await second.close();
  });

  test("is made once by several that start together", async () => {
    const stores = await Promise.all(Array.from({ length: 5 }, () => openStore(path)));
    await Promise.all(
      stores.map((store, index) => store.write([{ kind: "put", tenant: tenant(`t${index}`) }])),
    );
    expect((await stores[0]?.list({ after: null, limit: 10 }))?.length).toBe(5);
    await Promise.all(stores.map((store) => store.close()));
  });

  test("does not open with another key, and says which setting is meant", async () => {
    const store = await openStore(path);
    await store.write([{ kind: "put", tenant: tenant("acme") }]);
    await store.close();
    const wrong = Buffer.from("ffffffffffffffffffffffffffffffff");
    const error: unknown = await openStore(path, wrong).catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(SecretNotOpenedError);
    expect(String(error)).toContain("VAULT_ENC_KEY");
    expect(String(error)).not.toContain("hunter2");
  });

  test("refuses a password that was moved to another tenant's row", async () => {
    const store = await openStore(path);
    const users = [{ db_user: "app", db_password: "secret of b" }];
    await store.write([
      { kind: "put", tenant: tenant("a") },
      { kind: "put", tenant: tenant("b", { users }) },
    ]);
    const raw = new Database(path);
    raw.run(
      `update users set db_pass_encrypted = (select db_pass_encrypted from users where tenant_external_id = 'b')`,
    );
    raw.close();
    expect(await rejectionOf(store.get("a"))).toBeInstanceOf(SecretNotOpenedError);
    expect((await store.get("b"))?.users[0]?.db_password).toBe("secret of b");
    await store.close();
  });

  test("keeps an earlier password sealed, and apart from the present one", async () => {
    const store = await openStore(path);
    const user = { db_user: "app", db_password: "hunter2", db_password_previous: "hunter1" };
    const users = [{ ...user, previous_valid_until: "2099-01-01T00:00:00Z" }];
    await store.write([{ kind: "put", tenant: tenant("acme", { users }) }]);
    expect((await store.get("acme"))?.users[0]).toMatchObject(user);
    expect(readFileSync(`${path}-wal`, "latin1")).not.toContain("hunter1");
    using raw = new Database(path);
    raw.run("update users set db_pass_encrypted = db_pass_previous_encrypted");
    const error = await rejectionOf(store.get("acme"));
    expect(error).toBeInstanceOf(SecretNotOpenedError);
    raw.run("update users set db_pass_previous_encrypted = null, previous_valid_until = null");
    expect(String(await rejectionOf(store.get("acme")))).toContain(`password of user "app"`);
    await store.close();
  });

  test("refuses a present password in the place of an earlier one", async () => {
    const store = await openStore(path);
    await store.write([{ kind: "put", tenant: tenant("acme") }]);
    using raw = new Database(path);
    raw.run("update users set db_pass_previous_encrypted = db_pass_encrypted");
    expect(String(await rejectionOf(store.get("acme")))).toContain("previous password of user");
    await store.close();
  });

  test("refuses a schema that a newer Carpool has written", async () => {
    await (await openStore(path)).close();
    const raw = new Database(path);
    raw.run(`insert into carpool_migrations values ('9999-from-the-future', '2099')`);
    raw.close();
    expect(await rejectionOf(openStore(path))).toBeInstanceOf(MigrationFailedError);
  });

  test("refuses a file that is no SQLite database", async () => {
    await Bun.write(path, "hello, I am a text file and no database at all".repeat(100));
    expect(String(await rejectionOf(openStore(path)))).toContain("not a database");
  });

  test("refuses a folder that does not exist", async () => {
    expect(
      String(await rejectionOf(openStore(join(folder.path, "missing", "x.sqlite")))),
    ).toContain("ENOENT");
  });

  test("refuses a path that is a folder", async () => {
    mkdirSync(path);
    chmodSync(path, 0o700);
    expect(String(await rejectionOf(openStore(path)))).toContain("EISDIR");
  });
});

describe("20 000 tenants in SQLite", () => {
  test("are written in one go, and one of them is read in no time", async () => {
    const folder = await makeTemporaryFolder();
    const path = join(folder.path, "tenants.sqlite");
    const store = await openStore(path);
    const changes = Array.from({ length: 20_000 }, (_, index) => ({
      kind: "put" as const,
      tenant: { ...TEMPLATE, external_id: `tenant-${index}` },
    }));
    await store.write(changes);
    await store.close();

    const started = performance.now();
    const reopened = await openStore(path);
    const found = await reopened.get("tenant-19999");
    const elapsedMs = performance.now() - started;
    await reopened.close();
    await folder.remove();
    expect(found?.users[0]?.db_password).toBe("hunter2");
    // Milliseconds on an idle machine; a start that read every tenant would take seconds.
    expect(elapsedMs).toBeLessThan(500);
  }, 30_000);
});

const TEMPLATE = tenant("template");

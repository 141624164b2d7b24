import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { Client } from "pg";
import { openPostgresTenantStore } from "../../src/tenants/postgres-tenant-store.ts";
import { SecretBox, SecretNotOpenedError } from "../../src/tenants/secret-box.ts";
import type { TenantStore } from "../../src/tenants/tenant-store.ts";
import { eventually } from "../support/eventually.ts";
import { type PostgresVersion, startPostgres, type TestPostgres } from "../support/postgres.ts";
import { rejectionOf } from "../support/rejection.ts";
import { tenant } from "./fixtures.ts";
import { KEY, random } from "./secret-fixtures.ts";
import { describeTenantStore } from "./tenant-store-contract.ts";

const VERSIONS: readonly PostgresVersion[] = [18, 15];

function open(url: string, key: Uint8Array = KEY): Promise<TenantStore> {
  return openPostgresTenantStore({
    url,
    connectionsMax: 3,
    secretBox: new SecretBox(key, random),
    random,
    wallClock: { iso: () => new Date().toISOString() },
  });
}

describe.each(VERSIONS)("PostgreSQL %d", (version) => {
  let postgres: TestPostgres;
  let databases = 0;

  beforeAll(async () => {
    postgres = await startPostgres({ version });
  });
  afterAll(() => postgres.stop());

  async function newDatabase(): Promise<string> {
    databases += 1;
    await postgres.query(`create database metadata_${databases}`);
    return `metadata_${databases}`;
  }

  describeTenantStore(`PostgreSQL ${version}`, async () => {
    const database = await newDatabase();
    const url = postgres.connectionString({ database });
    return {
      open: () => open(url),
      remove: async () => void (await postgres.query(`drop database ${database} with (force)`)),
    };
  });

  test("is one schema, whoever of ten nodes that start at once has made it", async () => {
    const database = await newDatabase();
    const url = postgres.connectionString({ database });
    const stores = await Promise.all(Array.from({ length: 10 }, () => open(url)));
    await stores[0]?.write([{ kind: "put", tenant: tenant("acme") }]);
    expect((await stores[9]?.get("acme"))?.external_id).toBe("acme");
    const tables = await postgres.query(
      "select distinct table_schema from information_schema.tables where table_name in ('tenants', 'users', 'carpool_migrations')",
      [],
      { database },
    );
    expect(tables).toEqual([{ table_schema: "carpool" }]);
    await Promise.all(stores.map((store) => store.close()));
  });

  test("loses no revision of two nodes that write as fast as they can", async () => {
    const url = postgres.connectionString({ database: await newDatabase() });
    const one = await open(url);
    const other = await open(url);
    const before = Number(await one.changeToken());
    const writes = Array.from({ length: 60 }, (_, index) =>
      (index % 2 === 0 ? one : other).write([{ kind: "put", tenant: tenant(`t${index % 7}`) }]),
    );
    await Promise.all(writes);
    expect(Number(await one.changeToken())).toBe(before + 60);
    expect((await other.changedSince(String(before))).externalIds).toHaveLength(7);
    await Promise.all([one.close(), other.close()]);
  });

  test("works for a role that may not make schemas, in one that was made for it", async () => {
    const database = await newDatabase();
    await postgres.query(
      "create role carpool login password 'x'; create schema carpool authorization carpool; revoke create on database postgres from public",
      undefined,
      { database },
    );
    const store = await open(
      postgres.connectionString({ database, user: "carpool", password: "x" }),
    );
    await store.write([{ kind: "put", tenant: tenant("acme") }]);
    await store.close();
    await postgres.query("drop owned by carpool; drop role carpool", undefined, { database });
  });

  test("holds no password in plain text, and says so where the key is another", async () => {
    const database = await newDatabase();
    const url = postgres.connectionString({ database });
    const store = await open(url);
    await store.write([{ kind: "put", tenant: tenant("acme") }]);
    await store.close();
    const rows = await postgres.query("select * from carpool.users", [], { database });
    expect(rows).toHaveLength(1);
    expect(JSON.stringify(rows)).not.toContain("hunter2");
    const error = await rejectionOf(open(url, Buffer.alloc(32, 9)));
    expect(error).toBeInstanceOf(SecretNotOpenedError);
  });

  test("leaves connections to others while it reads a very long list", async () => {
    const database = await newDatabase();
    const store = await open(postgres.connectionString({ database }));
    await store.write([{ kind: "put", tenant: tenant("t999") }]);
    const locker = new Client({ connectionString: postgres.connectionString({ database }) });
    await locker.connect();
    await locker.query("begin; lock table carpool.tenants in access exclusive mode");
    const list = store.getMany(Array.from({ length: 1000 }, (_, index) => `t${index}`));
    await eventually(async () => {
      const waiting = await postgres.query("select 1 from pg_locks where not granted");
      if (waiting.length === 0) throw new Error("nobody waits for the table");
    });
    expect(await store.changeToken()).toBe("1");
    await locker.end();
    expect((await list).map((found) => found.external_id)).toEqual(["t999"]);
    await store.close();
  });

  test("goes on by itself after its database was away", async () => {
    const url = postgres.connectionString({ database: await newDatabase() });
    const store = await open(url);
    await store.write([{ kind: "put", tenant: tenant("acme") }]);
    await postgres.shutDown();
    expect(await rejectionOf(store.get("acme"))).toBeInstanceOf(Error);
    await postgres.start();
    expect((await store.get("acme"))?.external_id).toBe("acme");
    await store.close();
  });
});

test("says which setting is wrong where nothing listens, and leaves nothing open", async () => {
  const error = await rejectionOf(open("postgres://app:hunter2@127.0.0.1:1/metadata"));
  expect(String(error)).toContain("DATABASE_URL: the metadata database cannot be used");
  expect(String(error)).not.toContain("hunter2");
});

test.each(["prefer", "allow"])("refuses sslmode=%s, which says nothing for sure", async (mode) => {
  const error = await rejectionOf(open(`postgres://app@127.0.0.1:1/metadata?sslmode=${mode}`));
  expect(String(error)).toContain(`sslmode=${mode} is not offered`);
});

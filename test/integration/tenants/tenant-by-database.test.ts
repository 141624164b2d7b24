/**
 * TENANT_BY_DATABASE end to end: whose database a client reaches, however it names its tenant.
 */

import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { Client } from "pg";
import type { PortMode } from "../../../src/net/channel-opening.ts";
import { startPooler, type TestPooler } from "../../support/pooler.ts";
import { startPostgres, type TestPostgres } from "../../support/postgres.ts";
import { rejectionOf } from "../../support/rejection.ts";

let postgres: TestPostgres;
let pooler: TestPooler;

beforeAll(async () => {
  postgres = await startPostgres();
  await postgres.query("create database shop_production");
  await postgres.query("create database other");
  pooler = await startPooler(postgres, {
    env: { TENANT_BY_DATABASE: "true", DEFAULT_TENANT: "dev" },
  });
  await pooler.putTenant({ external_id: "shop", db_database: "shop_production" });
  // A role with a dot in its name, which is no way to name a tenant here.
  await postgres.query(`create role "first.last" superuser login password 'dotted'`);
  await pooler.putTenant(
    { external_id: "dotted", db_database: "shop_production" },
    { db_user: "first.last", db_password: "dotted" },
  );
});

afterAll(async () => {
  await pooler[Symbol.asyncDispose]();
  await postgres[Symbol.asyncDispose]();
});

type Names = Readonly<Partial<Record<"user" | "database" | "options" | "password", string>>>;

const BACKEND = "select pg_backend_pid() as pid";
const PLACE = `select concat_ws(' ', current_user, current_database(), datname) as place
  from pg_stat_activity where pid = pg_backend_pid()`;

/** Where a client with these names ends up, by its server's own words. */
async function placeOf(names: Names, mode: PortMode = "transaction") {
  return (await ask<{ place: string }>(names, PLACE, mode))?.place;
}

async function ask<Row extends object>(names: Names, sql: string, mode: PortMode = "transaction") {
  const client = new Client({ ...pooler.target(mode), user: "postgres", ...names });
  await client.connect();
  try {
    return (await client.query<Row>(sql)).rows[0];
  } finally {
    await client.end();
  }
}

describe.each(["transaction", "session", "native"] as const)("in %s mode", (mode) => {
  test("the database's name is its tenant, and leads to the tenant's own database", async () => {
    expect(await placeOf({ database: "shop" }, mode)).toBe(
      "postgres shop_production shop_production",
    );
  });

  test("a database that is no tenant goes through to the default tenant", async () => {
    expect(await placeOf({ database: "other" }, mode)).toBe("postgres other other");
  });

  test("a tenant named in another way leaves the database to the client", async () => {
    const byUser = { user: "postgres.shop", database: "other" };
    expect(await placeOf(byUser, mode)).toBe("postgres other other");
    const byReference = { options: "reference=shop", database: "dev" };
    expect(await rejectionOf(placeOf(byReference, mode))).toMatchObject({ code: "3D000" });
  });
});

test("a user name with a dot in it is whole where its end is no tenant", async () => {
  const names = { user: "first.last", password: "dotted", database: "dotted" };
  expect(await placeOf(names)).toBe("first.last shop_production shop_production");
});

test("the tenant's users are its own: another tenant's password does not do", async () => {
  const names = { user: "first.last", password: "dotted", database: "shop" };
  expect(await rejectionOf(placeOf(names))).toMatchObject({ code: "28P01" });
});

test("a pool is shared by clients of the tenant, whichever way they named it", async () => {
  await pooler.putTenant({
    external_id: "shared",
    db_database: "shop_production",
    default_pool_size: 1,
  });
  const byDatabase = await ask<{ pid: number }>({ database: "shared" }, BACKEND);
  const byUser = { user: "postgres.shared", database: "shop_production" };
  expect(await ask(byUser, BACKEND)).toEqual(byDatabase);
});

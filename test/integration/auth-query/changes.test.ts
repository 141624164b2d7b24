/**
 * A role that is changed, or made again, while a pool has servers of it.
 */

import { afterAll, beforeAll, expect, test } from "bun:test";
import { Client } from "pg";
import type { TestPooler } from "../../support/pooler.ts";
import { startPostgres, type TestPostgres } from "../../support/postgres.ts";
import { rejectionOf } from "../../support/rejection.ts";
import { createManager, createRole, loginAs, startQueried } from "./support.ts";

let postgres: TestPostgres;
let pooler: TestPooler;

beforeAll(async () => {
  postgres = await startPostgres();
  await createManager(postgres);
  pooler = await startQueried(postgres);
});

afterAll(async () => {
  await pooler[Symbol.asyncDispose]();
  await postgres[Symbol.asyncDispose]();
});

/** Logs in and asks PostgreSQL who that is, which looks the role up by its OID. */
async function whoIs(role: string, password: string): Promise<unknown> {
  const client = new Client(loginAs(pooler, role, password));
  await client.connect();
  try {
    const { rows } = await client.query<Record<string, unknown>>(
      "select current_user::text, (select oid = session_user::regrole from pg_roles where rolname = current_user) as its_own",
    );
    return rows[0];
  } finally {
    await client.end();
  }
}

test("a role that was dropped and made again gets servers of its own", async () => {
  const role = await createRole(postgres, "first-secret");
  expect(await whoIs(role, "first-secret")).toEqual({ current_user: role, its_own: true });
  await postgres.query(`drop role ${role}`);
  expect(await rejectionOf(whoIs(role, "first-secret"))).toMatchObject({ code: "28P01" });
  await postgres.query(`create role ${role} login password 'second-secret'`);
  expect(await whoIs(role, "second-secret")).toEqual({ current_user: role, its_own: true });
  expect(await rejectionOf(whoIs(role, "first-secret"))).toMatchObject({ code: "28P01" });
});

test("a changed password disturbs no transaction of who logged in by the one before", async () => {
  const role = await createRole(postgres, "first-secret");
  const client = new Client(loginAs(pooler, role, "first-secret"));
  await client.connect();
  await client.query("begin");
  const before = await client.query("select pg_backend_pid() as pid");
  await postgres.query(`alter role ${role} password 'second-secret'`);
  expect(await whoIs(role, "second-secret")).toMatchObject({ current_user: role });
  const after = await client.query("select pg_backend_pid() as pid");
  expect(after.rows).toEqual(before.rows);
  await client.query("commit");
  expect((await client.query("select current_user::text as role")).rows).toEqual([{ role }]);
  await client.end();
});

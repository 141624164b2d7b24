/**
 * Logins while the database that knows the passwords is away, slow, or has changed them under a pool.
 */

import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { Client } from "pg";
import { eventually } from "../../support/eventually.ts";
import { startPostgres, type TestPostgres } from "../../support/postgres.ts";
import { rejectionOf } from "../../support/rejection.ts";
import { currentUser } from "../security/support/sign-in.ts";
import { createManager, createRole, loginAs, queried, startQueried } from "./support.ts";

/** Pauses after failures stay short, so that a test does not wait for them. */
const SOON = { server_login_retry: 1 };
const PLAIN_QUERY = "select rolname, rolpassword from pg_authid where rolname = $1";

let postgres: TestPostgres;

beforeAll(async () => {
  postgres = await startPostgres({ hba: ["host all all all scram-sha-256"] });
  await createManager(postgres);
  await postgres.query("create table gate ()");
});

afterAll(async () => {
  await postgres[Symbol.asyncDispose]();
});

/** Ends all connections of `role` to the database, and returns when they are gone. */
async function endServers(role: string): Promise<void> {
  await postgres.query(
    "select pg_terminate_backend(pid) from pg_stat_activity where usename = $1",
    [role],
  );
  await eventually(async () => {
    const left = await postgres.query("select 1 from pg_stat_activity where usename = $1", [role]);
    if (left.length > 0) throw new Error("servers are left");
  });
}

async function connected(pooler: Parameters<typeof loginAs>[0], role: string, password: string) {
  const client = new Client(loginAs(pooler, role, password));
  client.on("error", () => {});
  await client.connect();
  return client;
}

describe("while the database is away", () => {
  test("who is known logs in, who is not gets PostgreSQL's reason, and a wrong password is wrong", async () => {
    await using own = await startPostgres();
    await createManager(own);
    await using pooler = await startQueried(own, { tenant: SOON });
    const role = await createRole(own, "right");
    const holder = await connected(pooler, role, "right"); // keeps the pool, without a server
    await holder.query("select 1");
    await own.shutDown();
    const client = await connected(pooler, role, "right");
    await client.end();
    expect(await rejectionOf(connected(pooler, role, "wrong"))).toMatchObject({ code: "28P01" });
    expect(await rejectionOf(connected(pooler, "stranger", "right"))).toMatchObject({
      code: "08006",
      message: "auth_query connection failed: could not connect to the database server",
    });
    await holder.end();
    await own.start();
    await own.query(`alter role ${role} password 'changed'`);
    await eventually(async () => {
      expect(await currentUser(loginAs(pooler, role, "changed"))).toBe(role);
    });
    expect(await rejectionOf(connected(pooler, role, "right"))).toMatchObject({ code: "28P01" });
    expect(await rejectionOf(connected(pooler, "stranger", "right"))).toMatchObject({
      code: "28P01",
    });
  });

  test("the manager's own refusal is not taken for the client's", async () => {
    await using pooler = await startQueried(postgres, {
      tenant: { users: [{ db_user: "manager", db_password: "no", is_manager: true }] },
    });
    expect(await rejectionOf(connected(pooler, "anybody", "x"))).toMatchObject({
      code: "08004",
      message: expect.stringContaining("auth_query connection failed: password authentication"),
    });
  });
});

test("while the database is slow, who is known logs in by what is kept, and others are told to retry", async () => {
  const query = `select rolname, rolpassword from pg_authid left join gate on true where rolname = $1`;
  await using pooler = await startQueried(postgres, {
    tenant: { ...SOON, auth_query: query },
    config: { authQueryTimeoutMs: 300 },
  });
  const role = await createRole(postgres, "right");
  expect(await currentUser(loginAs(pooler, role, "right"))).toBe(role);
  const locker = new Client({ connectionString: postgres.connectionString() });
  await locker.connect();
  await locker.query("begin; lock table gate");
  expect(await currentUser(loginAs(pooler, role, "right"))).toBe(role);
  await eventually(async () => {
    expect(await rejectionOf(connected(pooler, "stranger", "x"))).toMatchObject({
      code: "08006",
      message: "authentication query timed out",
      detail: "It had no answer within 300 ms. AUTH_QUERY_TIMEOUT sets the limit.",
    });
  });
  await locker.end();
  await eventually(async () => {
    expect(await rejectionOf(connected(pooler, "stranger", "x"))).toMatchObject({ code: "28P01" });
  });
});

test("a run that is ended with its connection is made again", async () => {
  const query = `select rolname, rolpassword from pg_authid left join gate on true where rolname = $1`;
  await using pooler = await startQueried(postgres, { tenant: { auth_query: query } });
  const role = await createRole(postgres, "right");
  expect(await currentUser(loginAs(pooler, role, "right"))).toBe(role);
  const locker = new Client({ connectionString: postgres.connectionString() });
  await locker.connect();
  await locker.query("begin; lock table gate");
  const login = currentUser(loginAs(pooler, role, "right"));
  await eventually(async () => {
    const [row] = await postgres.query(
      "select pg_terminate_backend(pid) as ended from pg_stat_activity where usename = 'manager' and wait_event_type = 'Lock'",
    );
    expect(row).toEqual({ ended: true });
  });
  await locker.end();
  expect(await login).toBe(role);
});

test("a pool whose password was changed tells who waits, and works again after the next login", async () => {
  await using pooler = await startQueried(postgres, { tenant: SOON });
  const role = await createRole(postgres, "old");
  const client = await connected(pooler, role, "old");
  await client.query("select 1");
  await postgres.query(`alter role ${role} password 'new'`);
  await endServers(role);
  await eventually(async () => {
    expect(await rejectionOf(client.query("select 1"))).toMatchObject({
      severity: "ERROR",
      code: "28P01",
      hint: expect.stringContaining("Connect again with the present one"),
    });
  });
  expect(await currentUser(loginAs(pooler, role, "new"))).toBe(role);
  const { rows } = await client.query("select current_user as name");
  expect(rows).toEqual([{ name: role }]);
  await client.end();
});

test.each([
  ["NOLOGIN", "nologin", "28000"],
  ["VALID UNTIL", "valid until '2020-01-01'", "28P01"],
])(
  "a query that does not filter leaves %s to PostgreSQL, whose answer reaches the client",
  async (_what, change, code) => {
    await using pooler = await startQueried(postgres, {
      tenant: { ...SOON, auth_query: PLAIN_QUERY },
    });
    const role = await createRole(postgres, "right");
    await postgres.query(`alter role ${role} ${change}`);
    expect(await rejectionOf(connected(pooler, role, "right"))).toMatchObject({ code });
    await postgres.query(`alter role ${role} login valid until 'infinity'`);
    expect(await currentUser(loginAs(pooler, role, "right"))).toBe(role);
  },
);

test("a secret that PostgreSQL refuses is no longer cached", async () => {
  await using pooler = await startQueried(postgres, {
    tenant: SOON,
    config: { authQueryCacheMs: 60_000 },
  });
  const role = await createRole(postgres, "old");
  expect(await currentUser(loginAs(pooler, role, "old"))).toBe(role);
  await postgres.query(`alter role ${role} password 'new'`);
  expect(await rejectionOf(connected(pooler, role, "new"))).toMatchObject({ code: "28P01" });
  await endServers(role);
  await eventually(async () => {
    expect(await rejectionOf(currentUser(loginAs(pooler, role, "old")))).toMatchObject({
      code: "28P01",
    });
    expect(await currentUser(loginAs(pooler, role, "new"))).toBe(role);
  });
});

test("a tenant that moves to another database takes no secret along", async () => {
  await using other = await startPostgres();
  await createManager(other);
  const role = await createRole(postgres, "here");
  await other.query(`create role ${role} login password 'there'`);
  await using pooler = await startQueried(postgres, { config: { authQueryCacheMs: 60_000 } });
  expect(await currentUser(loginAs(pooler, role, "here"))).toBe(role);
  await pooler.putTenant(queried({ db_port: other.port, default_pool_size: 2 }));
  await eventually(async () => {
    expect(await rejectionOf(connected(pooler, role, "here"))).toMatchObject({ code: "28P01" });
  });
  expect(await currentUser(loginAs(pooler, role, "there"))).toBe(role);
});

test("a login that proves the password before takes the pool no keys", async () => {
  await using pooler = await startQueried(postgres, { tenant: SOON });
  const role = await createRole(postgres, "old");
  const slow = new Client({
    ...loginAs(pooler, role, ""),
    password: async () => {
      await postgres.query(`alter role ${role} password 'new'`);
      expect(await currentUser(loginAs(pooler, role, "new"))).toBe(role);
      return "old";
    },
  });
  slow.on("error", () => {});
  expect(await rejectionOf(slow.connect())).toMatchObject({
    code: "57P03",
    message: "the tenant or the password was changed during the login",
  });
  await endServers(role);
  await eventually(async () => {
    expect(await currentUser(loginAs(pooler, role, "new"))).toBe(role);
  });
});

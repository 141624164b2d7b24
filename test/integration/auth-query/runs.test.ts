/**
 * How a tenant's `auth_query` runs: how often, on what connection, and what a hostile one can do. The query is a
 * function that writes a line to PostgreSQL's log each time.
 */

import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { Client } from "pg";
import { eventually } from "../../support/eventually.ts";
import { startPostgres, type TestPostgres } from "../../support/postgres.ts";
import { rejectionOf } from "../../support/rejection.ts";
import { currentUser } from "../security/support/sign-in.ts";
import { createManager, createRole, loginAs, MANAGER, startQueried } from "./support.ts";

const LOGGED = `
  create function lookup(wanted text) returns table (name name, secret text)
  language plpgsql security definer set search_path = pg_catalog as $$
  begin
    raise log 'lookup: % by % of % in % with %, %', wanted, session_user, pg_backend_pid(),
      current_setting('transaction_read_only'), current_setting('application_name'),
      current_setting('work_mem');
    return query select rolname, rolpassword from pg_authid where rolname = wanted;
  end $$`;
const QUERY = "select * from public.lookup($1)";

let postgres: TestPostgres;

beforeAll(async () => {
  postgres = await startPostgres({ settings: { max_connections: "400" } });
  await createManager(postgres);
  await postgres.query("alter role manager nosuperuser; alter role manager set work_mem = '333kB'");
  await postgres.query(LOGGED);
});

afterAll(async () => {
  await postgres[Symbol.asyncDispose]();
});

/** The lines of the lookups of `role`. */
async function lookups(role: string): Promise<readonly string[]> {
  const text = await postgres.log();
  return text.split("\n").filter((line) => line.includes(`lookup: ${role} by`));
}

function refused(pooler: Parameters<typeof loginAs>[0], role: string): Promise<unknown> {
  return rejectionOf(currentUser(loginAs(pooler, role, "secret", { tls: false })));
}

describe("the query runs", () => {
  test("at each login, and seldom for 200 that come at once", async () => {
    await using pooler = await startQueried(postgres, { tenant: { auth_query: QUERY } });
    const role = await createRole(postgres, "secret");
    const login = (): Promise<string> =>
      currentUser(loginAs(pooler, role, "secret", { tls: false }));
    const names = await Promise.all(Array.from({ length: 200 }, login));
    expect(new Set(names)).toEqual(new Set([role]));
    const before = (await lookups(role)).length;
    expect(before).toBeGreaterThan(0);
    expect(before).toBeLessThan(100);
    await login();
    await login();
    expect(await lookups(role)).toHaveLength(before + 2);
  });

  test("not at all for a name that is cached", async () => {
    await using pooler = await startQueried(postgres, {
      tenant: { auth_query: QUERY },
      config: { authQueryCacheMs: 60_000 },
    });
    const role = await createRole(postgres, "secret");
    const login = (): Promise<string> =>
      currentUser(loginAs(pooler, role, "secret", { tls: false }));
    await login();
    await Promise.all([login(), login()]);
    expect(await lookups(role)).toHaveLength(1);
  });

  test("over one connection for a flood of names, through which a real user logs in", async () => {
    await using pooler = await startQueried(postgres, { tenant: { auth_query: QUERY } });
    const role = await createRole(postgres, "secret");
    await currentUser(loginAs(pooler, role, "secret", { tls: false }));
    const flood = Array.from({ length: 300 }, (_, index) => refused(pooler, `nobody_${index}`));
    expect(await currentUser(loginAs(pooler, role, "secret", { tls: false }))).toBe(role);
    for (const error of await Promise.all(flood)) expect(error).toMatchObject({ code: "28P01" });
    const pids = new Set(
      [
        ...(await lookups(role)),
        ...(await lookups("nobody_1")),
        ...(await lookups("nobody_299")),
      ].map((line) => / of (\d+) in /.exec(line)?.[1]),
    );
    expect(pids.size).toBe(1);
  });

  test("as the manager, read only, on a connection that has nothing of the client's", async () => {
    await using pooler = await startQueried(postgres, { tenant: { auth_query: QUERY } });
    const role = await createRole(postgres, "secret");
    const client = new Client({
      ...loginAs(pooler, role, "secret", { tls: false }),
      application_name: "of the client",
      options: "reference=dev -c search_path=evil -c work_mem=1MB",
    });
    await client.connect();
    const { rows } = await client.query(
      "select pg_backend_pid() as pid, session_user as who, current_setting('work_mem') as mem, current_setting('default_transaction_read_only') as ro",
    );
    await client.end();
    expect(rows).toMatchObject([{ who: role, mem: "1MB", ro: "off" }]);
    const [line = ""] = await lookups(role);
    expect(line).toContain("by manager of ");
    expect(line).toContain(" in on with , 333kB");
    expect(line).not.toContain(`of ${rows[0]?.pid} in`);
  });

  test("on a connection that is closed when nobody logs in for a while", async () => {
    await using pooler = await startQueried(postgres, {
      tenant: { auth_query: QUERY, server_idle_timeout: 100 },
    });
    const role = await createRole(postgres, "secret");
    await currentUser(loginAs(pooler, role, "secret", { tls: false }));
    await eventually(async () => {
      expect(
        await postgres.query("select 1 from pg_stat_activity where usename = 'manager'"),
      ).toEqual([]);
    });
    expect(await currentUser(loginAs(pooler, role, "secret", { tls: false }))).toBe(role);
  });

  test("not at all on the native port, where PostgreSQL itself asks for the password", async () => {
    await using pooler = await startQueried(postgres, { tenant: { auth_query: QUERY } });
    const role = await createRole(postgres, "secret");
    const native = loginAs(pooler, role, "secret", { tls: false });
    expect(await currentUser({ ...native, port: pooler.portOf("native") })).toBe(role);
    expect(await lookups(role)).toEqual([]);
  });

  test("for a listed role by its alias, with the role's name and the user's limits", async () => {
    const role = await createRole(postgres, "secret");
    await using pooler = await startQueried(postgres, {
      tenant: {
        auth_query: QUERY,
        users: [MANAGER, { db_user: role, db_user_alias: "front", max_clients: 1 }],
      },
    });
    const first = new Client(loginAs(pooler, "front", "secret", { tls: false }));
    await first.connect();
    const { rows } = await first.query("select current_user as name");
    expect(rows).toEqual([{ name: role }]);
    expect(await refused(pooler, "front")).toMatchObject({ code: "53300" });
    await first.end();
  });
});

describe("a query that is no good is told so by", () => {
  test.each([
    [
      "three columns",
      "select rolname, rolpassword, 1 from public.lookup($1) as t(rolname, rolpassword)",
      "It returned 3 columns instead of two.",
    ],
    ["one column", "select secret from public.lookup($1)", "It returned 1 columns instead of two."],
    [
      "several rows",
      "select $1, 'x' from generate_series(1, 1000000)",
      "It returned more than one row.",
    ],
    [
      "another's name",
      "select 'postgres', 'x' where $1 <> ''",
      "It returned a name that is not the one in $1.",
    ],
    [
      "a password in clear text",
      "select $1, 'secret'",
      "It returned a secret that is neither SCRAM-SHA-256 nor MD5.",
    ],
  ])("%s", async (_what, auth_query, detail) => {
    await using pooler = await startQueried(postgres, { tenant: { auth_query } });
    expect(await refused(pooler, "anybody")).toMatchObject({
      code: "28000",
      message: "authentication query returned wrong format",
      detail,
    });
  });

  test.each([
    [
      "a table it may not read",
      "select rolname, rolpassword from pg_authid where rolname = $1",
      "permission denied for table pg_authid",
    ],
    ["bad SQL", "selec $1", 'syntax error at or near "selec"'],
    [
      "a write",
      "select $1, nextval('public.s')::text",
      "cannot execute nextval() in a read-only transaction",
    ],
  ])("%s", async (_what, auth_query, reason) => {
    await postgres.query("create sequence if not exists s; grant all on s to public");
    await using pooler = await startQueried(postgres, { tenant: { auth_query } });
    expect(await refused(pooler, "anybody")).toMatchObject({
      code: "28000",
      message: `authentication query failed: ${reason}`,
    });
  });

  test("a value of 20 megabytes, of which no more than its length is read", async () => {
    await using pooler = await startQueried(postgres, {
      tenant: { auth_query: "select $1, repeat('x', 20000000)" },
    });
    expect(await refused(pooler, "anybody")).toMatchObject({
      code: "08006",
      detail: expect.stringContaining("an answer has at most 16384"),
    });
  });

  test("a NULL secret, which is a wrong password", async () => {
    await using pooler = await startQueried(postgres, {
      tenant: { auth_query: "select $1, null::text" },
    });
    expect(await refused(pooler, "anybody")).toMatchObject({ code: "28P01" });
  });
});

/**
 * What the doctor finds of an `auth_query`: each fault is one of the query or of a right in PostgreSQL.
 */

import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { startPostgres, type TestPostgres } from "../../support/postgres.ts";
import { complaints, examine } from "./support/examine.ts";

const PASSWORD = "doctors-secret-word";
const GOOD = "select usename, passwd from lookup($1)";
let postgres: TestPostgres;

beforeAll(async () => {
  postgres = await startPostgres();
  await postgres.query(`
    create role manager login password '${PASSWORD}';
    create role app login password '${PASSWORD}';
    create role bare login;
    create function lookup(name text) returns table (usename name, passwd text)
      language sql security definer set search_path = pg_catalog
      as 'select usename, passwd from pg_shadow where usename = $1';
  `);
  await postgres.query(
    `set password_encryption = md5; create role aged login password '${PASSWORD}'`,
  );
});

afterAll(async () => {
  await postgres[Symbol.asyncDispose]();
});

/** What is said of this query, asked for `user` or for the manager itself. */
async function say(auth_query: string, user?: string): Promise<string[]> {
  const findings = await examine(
    {
      db_host: "127.0.0.1",
      db_port: postgres.port,
      require_user: false,
      auth_query,
      users: [{ db_user: "manager", db_password: PASSWORD, is_manager: true }],
    },
    user === undefined ? {} : { user },
  );
  expect(JSON.stringify(findings)).not.toMatch(
    new RegExp(`${PASSWORD}|SCRAM-SHA-256\\$|md5[0-9a-f]{32}`),
  );
  expect(findings.some(({ check }) => check === "login of manager")).toBeTrue();
  const answers = findings.filter(({ check }) => check === "auth_query");
  const others = complaints(findings.filter(({ check }) => check !== "auth_query"));
  expect(others).toEqual([]);
  return answers.map(({ verdict, found }) => `${verdict}: ${found}`);
}

describe("a query that does what it should", () => {
  test.each([
    [undefined, "ok: one row, with a SCRAM verifier"],
    ["app", "ok: one row, with a SCRAM verifier"],
    ["aged", "ok: one row, with an md5 hash"],
  ])("for %p is in order", async (user, expected) => {
    expect(await say(GOOD, user)).toEqual([expected]);
  });

  test("says which role has no secret, or is not there", async () => {
    expect(await say(GOOD, "bare")).toEqual(["problem: the role has no secret"]);
    expect(await say(GOOD, "nobody")).toEqual(["problem: it returns no row"]);
  });
});

describe("a query that does not", () => {
  test.each([
    [
      "select usename, passwd from pg_shadow where usename = $1",
      "permission denied for view pg_shadow (42501)",
    ],
    ["select usename, passwd from missing($1)", "function missing(unknown) does not exist (42883)"],
    [
      "select usename, passwd from missing where usename = $1",
      'relation "missing" does not exist (42P01)',
    ],
    ["selec $1", 'syntax error at or near "selec" (42601)'],
    ["select passwd from lookup($1)", "it returns 1 columns"],
    ["select usename, passwd, 1 from lookup($1)", "it returns 3 columns"],
    [
      "select rolname, rolpassword from pg_roles where rolname = $1",
      "the secret is damaged, or hidden",
    ],
    ["select usename, 'SCRAM-SHA-256$cut' from lookup($1)", "the secret is damaged, or hidden"],
    ["select usename, passwd from lookup($1), generate_series(1, 2)", "it returns 2 rows"],
    ["select 'app', passwd from lookup($1)", "the name in its row is another one"],
    ["select pg_sleep(1)::text, 1/0 from lookup($1)", "division by zero (22012)"],
  ])("%s is a problem", async (query, found) => {
    expect(await say(query)).toEqual([`problem: ${found}`]);
  });

  test("lets anybody in is the worst", async () => {
    const query = `select $1, 'md5${"0".repeat(32)}'`;
    expect(await say(query)).toContain("problem: it returns a row");
  });

  test("returns a password in clear text is a warning", async () => {
    expect(await say("select usename, 'plain' from lookup($1)")).toEqual([
      "warning: the secret is a password in clear text",
    ]);
  });

  test("takes longer than one step may is told, and nothing is left running", async () => {
    const fields = {
      db_host: "127.0.0.1",
      db_port: postgres.port,
      require_user: false,
      auth_query: "select pg_sleep(3600)::text, $1",
      users: [{ db_user: "manager", db_password: PASSWORD, is_manager: true }],
    };
    const findings = await examine(fields, { timeoutMs: 500 });
    expect(complaints(findings)).toEqual([
      "auth_query: canceling statement due to statement timeout (57014)",
    ]);
    expect(findings.at(-1)?.check).toBe("latency");
    const running =
      "select from pg_stat_activity where query like '%pg_sleep(3600)%' and state = 'active' and pid <> pg_backend_pid()";
    expect(await postgres.query(running)).toEqual([]);
  });
});

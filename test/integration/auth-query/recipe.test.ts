/**
 * The recipes of docs/authentication.md, as they stand there: run on PostgreSQL, and logged in by.
 */

import { afterAll, beforeAll, expect, test } from "bun:test";
import { join } from "node:path";
import { startPostgres, type TestPostgres } from "../../support/postgres.ts";
import { rejectionOf } from "../../support/rejection.ts";
import { currentUser } from "../security/support/sign-in.ts";
import { createManager, createRole, loginAs, startQueried } from "./support.ts";

const PAGE = join(import.meta.dir, "../../../docs/authentication.md");

let postgres: TestPostgres;
let page: string;

beforeAll(async () => {
  postgres = await startPostgres();
  page = await Bun.file(PAGE).text();
});

afterAll(async () => {
  await postgres[Symbol.asyncDispose]();
});

/** Returns the block of SQL that begins so. */
function block(beginning: string): string {
  const blocks = [...page.matchAll(/```sql\n([\s\S]*?)```/g)].map(([, sql = ""]) => sql);
  const found = blocks.find((sql) => sql.startsWith(beginning));
  if (found === undefined) throw new Error(`no SQL begins with ${beginning}`);
  return found;
}

test("the query for a superuser finds who may log in, and nobody else", async () => {
  await createManager(postgres);
  const role = await createRole(postgres, "right");
  const expired = await createRole(postgres, "right", "md5", "login valid until '2020-01-01'");
  const group = await createRole(postgres, "right", "scram-sha-256", "nologin");
  await using pooler = await startQueried(postgres, { tenant: { auth_query: block("SELECT") } });
  const login = (name: string) => currentUser(loginAs(pooler, name, "right"));
  expect(await login(role)).toBe(role);
  expect(await rejectionOf(login(expired))).toMatchObject({ code: "28P01" });
  expect(await rejectionOf(login(group))).toMatchObject({ code: "28P01" });
});

test("the function is enough for a manager without rights, and for nobody else", async () => {
  await postgres.query(block("CREATE ROLE").replace("'...'", "'of-the-manager'"));
  const query = /^auth_query: (.*)$/m.exec(page)?.[1] ?? "";
  const role = await createRole(postgres, "right");
  const superuser = await createRole(postgres, "right", "scram-sha-256", "superuser login");
  const users = [{ db_user: "carpool_auth", db_password: "of-the-manager", is_manager: true }];
  await using pooler = await startQueried(postgres, { tenant: { auth_query: query, users } });
  const login = (name: string) => currentUser(loginAs(pooler, name, "right"));
  expect(await login(role)).toBe(role);
  expect(await rejectionOf(login(superuser))).toMatchObject({ code: "28P01" });
  const asRole = { user: role, password: "right" };
  expect(
    await rejectionOf(postgres.query("select * from carpool.role_secret('x')", [], asRole)),
  ).toMatchObject({ code: "42501" });
});

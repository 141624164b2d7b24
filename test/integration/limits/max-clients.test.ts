/**
 * max_clients of a user, default_max_clients of its tenant: in whatever mode the clients come.
 */

import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from "bun:test";
import { Client } from "pg";
import type { PortMode } from "../../../src/net/channel-opening.ts";
import { eventually } from "../../support/eventually.ts";
import { startPooler, type TestPooler } from "../../support/pooler.ts";
import { startPostgres, type TestPostgres } from "../../support/postgres.ts";
import { rejectionOf } from "../../support/rejection.ts";

let postgres: TestPostgres;
let pooler: TestPooler;
const clients: Client[] = [];

beforeAll(async () => {
  postgres = await startPostgres();
  await postgres.query(
    "create role other login password 'other'; create role unlisted login password 'unlisted'",
  );
});
afterAll(async () => {
  await postgres[Symbol.asyncDispose]();
});
beforeEach(async () => {
  const users = [
    { db_user: "postgres", db_password: postgres.password, max_clients: 2 },
    { db_user: "other", db_password: "other" },
  ];
  pooler = await startPooler(postgres, { tenant: { default_max_clients: 3, users } });
});
afterEach(async () => {
  await Promise.all(clients.splice(0).map((client) => client.end().catch(() => null)));
  await pooler[Symbol.asyncDispose]();
});

async function connect(mode: PortMode, user = "postgres", password = user): Promise<Client> {
  const of = user === "postgres" ? postgres.password : password;
  const client = new Client({ ...pooler.target(mode), user: `${user}.dev`, password: of });
  client.on("error", () => {});
  await client.connect();
  clients.push(client);
  return client;
}

/** How many clients the pooler has. */
async function untilClients(count: number): Promise<void> {
  await eventually(() => expect(pooler.pooler.clients).toBe(count));
}

const refusal = (current: number, limit: number) => ({
  severity: "FATAL",
  code: "53300",
  message: "sorry, too many clients already",
  detail: `This user has ${current} clients; the limit is ${limit}.`,
  hint: "Raise max_clients of the user or default_max_clients of the tenant, or close connections.",
});

const MODES: readonly PortMode[] = ["transaction", "session", "native"];
const PAIRS = MODES.flatMap((first) => MODES.map((last) => [first, last] as const));

test.each(PAIRS)(
  "lets in as many as allowed, and not one more: %s, then %s",
  async (one, other) => {
    await connect(one);
    const second = await connect(other);
    // oxlint-disable-next-line no-await-in-loop -- one after the other
    for (const mode of MODES) expect(await rejectionOf(connect(mode))).toMatchObject(refusal(2, 2));
    expect((await second.query("select 1 as one")).rows).toEqual([{ one: 1 }]);
  },
);

test.each(MODES)("gives the place of a client that left to the next: %s", async (mode) => {
  await connect(mode);
  const leaver = await connect(mode);
  await leaver.end();
  await untilClients(1);
  await connect(mode);
});

test("is the tenant's for who has none of its own, and each user's for itself", async () => {
  await connect("transaction");
  await connect("native");
  // oxlint-disable-next-line no-await-in-loop -- one after the other
  for (const mode of MODES) await connect(mode, "other");
  expect(await rejectionOf(connect("native", "other"))).toMatchObject(refusal(3, 3));
  expect(await rejectionOf(connect("session", "other"))).toMatchObject(refusal(3, 3));
});

test("holds for a role that the tenant does not list, and only PostgreSQL knows", async () => {
  for (let count = 0; count < 3; count += 1)
    // oxlint-disable-next-line no-await-in-loop -- one after the other
    await connect("native", "unlisted");
  expect(await rejectionOf(connect("native", "unlisted"))).toMatchObject(refusal(3, 3));
  await connect("native", "other");
});

test("is no business of whoever does not know the password", async () => {
  await connect("native");
  await connect("native");
  const wrong = new Client({ ...pooler.target("native"), password: "a guess" });
  expect(await rejectionOf(wrong.connect())).toMatchObject({ code: "28P01" });
});

test("is not used up by who only begins to log in", async () => {
  const begun = Array.from({ length: 4 }, () => new Client(pooler.target("native")));
  const rejected = begun.map((client) =>
    rejectionOf(Object.assign(client, { password: "a guess" }).connect()),
  );
  await connect("native");
  await connect("native");
  for (const error of await Promise.all(rejected)) expect(error).toMatchObject({ code: "28P01" });
  await untilClients(2);
});

test("takes a server from nobody for a client that it refuses", async () => {
  await connect("native");
  await connect("native");
  await rejectionOf(connect("native"));
  await eventually(async () => {
    const [row] = await postgres.query(
      "select count(*)::int as n from pg_stat_activity where backend_type = 'client backend' and pid <> pg_backend_pid()",
    );
    expect(row).toEqual({ n: 2 });
  });
});

test("that is raised holds for the next client", async () => {
  await connect("native");
  await connect("transaction");
  await rejectionOf(connect("session"));
  await pooler.putTenant({}, { max_clients: 3 });
  await eventually(() => connect("session"));
  expect(await rejectionOf(connect("native"))).toMatchObject(refusal(3, 3));
});

/**
 * A worker is killed whose clients have come to another one, and opened its servers by what their logins had brought:
 * a verifier's keys, the answer of an `auth_query`, a token. Who may, goes on; who may not any more, is told so.
 */

import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import type { Client } from "pg";
import { AUTH_QUERY, MANAGER } from "../integration/auth-query/support.ts";
import { WITH_CERTIFICATE } from "../integration/security/support/certificates.ts";
import { query } from "../support/frontend-messages.ts";
import type { TestPostgres } from "../support/postgres.ts";
import { codeIn, FarSetup, FarSide } from "./support/far-side.ts";

const PASSWORD = "the-password";
const WHO = "select current_user::text as who";

const LOGIN = { user: "app", password: PASSWORD };

let setup: FarSetup;
let program: FarSide;
let provider: Bun.Server<undefined>;
const tokens = { asked: 0, areOver: false };

beforeAll(async () => {
  provider = Bun.serve({
    port: 0,
    hostname: "127.0.0.1",
    fetch() {
      tokens.asked += 1;
      if (tokens.areOver) return new Response("", { status: 401 });
      return Response.json({ user_role: { role: "app" } });
    },
  });
  setup = await FarSetup.make({ hba: ["host all all all md5"] }, tenantsOf);
  program = await FarSide.start(setup, WITH_CERTIFICATE);
});

afterAll(async () => {
  expect(program.program.out).not.toContain(PASSWORD);
  await program[Symbol.asyncDispose]();
  await setup[Symbol.asyncDispose]();
  await provider.stop(true);
});

/**
 * One for each way to log in, with such names that no worker owns them all: one that dies too often is started later.
 * All with the roles `app` and, by MD5, `old`.
 */
async function tenantsOf(postgres: TestPostgres): Promise<readonly object[]> {
  await postgres.query(`create role app login password '${PASSWORD}'`);
  await postgres.query(byMd5(`create role old login password '${PASSWORD}'`));
  await postgres.query("create role manager superuser login password 'manager-password'");
  const [row] = await postgres.query("select rolpassword from pg_authid where rolname = 'app'");
  const queried = { require_user: false, auth_query: AUTH_QUERY, users: [MANAGER] };
  const url = `http://127.0.0.1:${provider.port}/`;
  const users = [{ db_user: "app", db_password: "of-no-use" }];
  return [
    {
      external_id: "verifier",
      users: [{ db_user: "app", db_password: row?.["rolpassword"] }],
    },
    { external_id: "queried", ...queried },
    { external_id: "md5", ...queried },
    { external_id: "jit", use_jit: true, jit_api_url: url, users },
  ];
}

function byMd5(statement: string): string {
  return `set password_encryption = 'md5'; ${statement}`;
}

/** Kills the owner so often, and asks each client after each death. */
async function surviveDeaths(
  far: FarSide,
  deaths: number,
  clients: readonly Client[],
  who = "app",
) {
  for (let death = 0; death < deaths; death += 1) {
    // oxlint-disable-next-line no-await-in-loop -- one death after the other
    await far.killOwner();
    // oxlint-disable-next-line no-await-in-loop -- as above
    const answers = await Promise.all(clients.map((client) => client.query(WHO)));
    expect(answers.map(({ rows }) => rows)).toEqual(clients.map(() => [{ who }]));
  }
}

/** Of a client that is idle when its owner is killed, and asks nothing until it is told. */
async function codeOfFarewell(client: Client, kill: () => Promise<void>): Promise<unknown> {
  const { promise, resolve } = Promise.withResolvers<unknown>();
  client.on("error", (error) => resolve("code" in error ? error.code : error));
  await kill();
  return promise;
}

describe("clients of a user of which only the verifier is stored", () => {
  test("go on through several deaths, with the drivers", async () => {
    const far = program.as({ tenant: "verifier", ...LOGIN });
    const clients = [await far.pg(), await far.pg()];
    const js = await far.postgresJs();
    expect(await js.unsafe(WHO)).toMatchObject([{ who: "app" }]);
    await surviveDeaths(far, 3, clients);
    expect(await js.unsafe(WHO)).toMatchObject([{ who: "app" }]);
    await Promise.all([...clients.map((client) => client.end()), js.end()]);
  });
});

describe("clients of a tenant whose passwords its auth_query tells", () => {
  let far: FarSide;

  beforeAll(() => {
    far = program.as({ tenant: "queried", ...LOGIN });
  });

  test("go on through several deaths, those that have asked nothing before as well", async () => {
    await using silent = await far.raw();
    const clients = [await far.pg(), await far.pg()];
    await surviveDeaths(far, 3, clients);
    expect((await silent.run(query(WHO))).join()).toContain('"app"');
    await Promise.all(clients.map((client) => client.end()));
  });

  test("are told 57P01 at once where the role has another password by then, and come with that", async () => {
    const { postgres } = setup;
    const client = await far.pg();
    await using raw = await far.raw();
    await postgres.query("alter role app password 'changed'");
    expect(await codeOfFarewell(client, () => far.killOwner())).toBe("57P01");
    expect(codeIn(await raw.untilClosed())).toBe("57P01");
    const next = await far.pg({ password: "changed" });
    await next.end();
    await postgres.query(`alter role app password '${PASSWORD}'`);
  });

  test("go on by MD5 until it is another", async () => {
    const old = program.as({ ...LOGIN, tenant: "md5", user: "old" });
    const client = await old.pg({ user: "old", options: "reference=md5" });
    await surviveDeaths(old, 1, [client], "old");
    await setup.postgres.query(byMd5("alter role old password 'changed'"));
    expect(await codeOfFarewell(client, () => old.killOwner())).toBe("57P01");
  });
});

describe("clients that came with a token", () => {
  test("go on while it is good, and are told 57P01 when it is over", async () => {
    const far = program.as({ tenant: "jit", ...LOGIN });
    const ssl = { rejectUnauthorized: false };
    const client = await far.pg({ ssl, options: "-c jit=true" });
    const before = tokens.asked;
    await surviveDeaths(far, 1, [client]);
    expect(tokens.asked).toBe(before + 1);
    tokens.areOver = true;
    expect(await codeOfFarewell(client, () => far.killOwner())).toBe("57P01");
  });
});

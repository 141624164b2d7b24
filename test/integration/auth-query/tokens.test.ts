/**
 * Logins by a token, which a provider judges and PostgreSQL gets as the password. Here PostgreSQL takes a role's
 * present password for its token: what the provider accepts and PostgreSQL does not is seen.
 */

import { afterAll, beforeAll, beforeEach, describe, expect, test } from "bun:test";
import type { ClientConfig } from "pg";
import { Client } from "pg";
import { eventually } from "../../support/eventually.ts";
import { startPooler, type TestPooler } from "../../support/pooler.ts";
import { startPostgres, type TestPostgres } from "../../support/postgres.ts";
import { rejectionOf } from "../../support/rejection.ts";
import { WITH_CERTIFICATE } from "../security/support/certificates.ts";
import { LogKeeper } from "../security/support/log-keeper.ts";
import { currentUser } from "../security/support/sign-in.ts";
import { loginAs } from "./support.ts";

interface Asked {
  readonly authorization: string | null;
  readonly body: unknown;
}

/** Says what a test tells it to. */
const provider = {
  asked: [] as Asked[],
  answer: (): Response | Promise<Response> => yes("app"),
};

function yes(role: string): Response {
  return Response.json({ user_role: { role } });
}

const log = new LogKeeper();
let server: Bun.Server<undefined>;
let postgres: TestPostgres;
let pooler: TestPooler;

beforeAll(async () => {
  server = Bun.serve({
    port: 0,
    hostname: "127.0.0.1",
    async fetch(request) {
      const body: unknown = await request.json();
      provider.asked.push({ authorization: request.headers.get("authorization"), body });
      return provider.answer();
    },
  });
  postgres = await startPostgres();
  await postgres.query("create role app login password 'the-token'");
  pooler = await startPooler(postgres, {
    logger: log,
    env: WITH_CERTIFICATE,
    config: { jitTimeoutMs: 300 },
    tenant: {
      use_jit: true,
      jit_api_url: `http://127.0.0.1:${server.port}/check`,
      users: [{ db_user: "app", db_password: "its-password" }],
    },
  });
});

afterAll(async () => {
  await pooler[Symbol.asyncDispose]();
  await postgres[Symbol.asyncDispose]();
  await server.stop(true);
  expect(log.text).not.toMatch(/the-token|its-password|other-token/);
  expect(log.errors).toEqual([]);
});

beforeEach(() => {
  provider.asked = [];
  provider.answer = () => yes("app");
});

function byToken(token: string, { user = "app", tls = true, options = "-c jit=true" } = {}) {
  const config: ClientConfig = loginAs(pooler, user, token, { tls });
  return { ...config, options: `reference=dev ${options}` };
}

describe("a token", () => {
  test("logs its role in, and opens the servers of this login", async () => {
    expect(await currentUser(byToken("the-token"))).toBe("app");
    expect(provider.asked).toEqual([
      { authorization: "Bearer the-token", body: { rhost: "127.0.0.1", role: "app" } },
    ]);
  });

  test("may be asked for as --jit=true, which is no setting of PostgreSQL's then", async () => {
    const client = new Client(byToken("the-token", { options: "--jit=true -c jit=off" }));
    await client.connect();
    const { rows } = await client.query("show jit");
    await client.end();
    expect(rows).toEqual([{ jit: "off" }]);
    expect(provider.asked).toHaveLength(1);
  });

  test("is asked about at each login", async () => {
    await currentUser(byToken("the-token"));
    provider.answer = () => new Response("no", { status: 401 });
    expect(await rejectionOf(currentUser(byToken("the-token")))).toMatchObject({ code: "28P01" });
  });

  test("opens no server for another token", async () => {
    const first = new Client(byToken("the-token"));
    await first.connect();
    await first.query("select 1");
    expect(await rejectionOf(currentUser(byToken("other-token")))).toMatchObject({
      code: "28P01",
      hint: expect.stringContaining("Connect again"),
    });
    await first.query("select 1");
    await first.end();
  });

  test("leaves nothing behind when its client is gone", async () => {
    expect(await currentUser(byToken("the-token"))).toBe("app");
    await postgres.query(
      "select pg_terminate_backend(pid) from pg_stat_activity where usename = 'app'",
    );
    await eventually(() => {
      if (pooler.pooler.tenantsInUse > 0) throw new Error("a pool is left");
    });
  });
});

describe("a login by token is refused", () => {
  test("without TLS, before anything is asked", async () => {
    expect(await rejectionOf(currentUser(byToken("the-token", { tls: false })))).toMatchObject({
      code: "28000",
      message: "a login by token needs an encrypted connection",
    });
    expect(provider.asked).toEqual([]);
  });

  test.each([
    ["401", () => new Response("", { status: 401 })],
    ["403", () => new Response("", { status: 403 })],
    ["another role", () => yes("postgres")],
    ["no role", () => Response.json({ user_role: null })],
    ["a role that is no text", () => Response.json({ user_role: { role: ["app"] } })],
    ["what is no object", () => Response.json("app")],
  ])("where the provider says %s", async (_what, answer) => {
    provider.answer = answer;
    expect(await rejectionOf(currentUser(byToken("the-token")))).toMatchObject({
      code: "28P01",
      message: 'password authentication failed for user "app"',
    });
  });

  test.each([
    ["fails", () => new Response("", { status: 500 })],
    ["leads elsewhere", () => Response.redirect(`http://127.0.0.1:${server.port}/other`)],
    ["answers no JSON", () => new Response("<html>")],
    ["answers for ever", () => new Response("x".repeat(1_000_000))],
    ["never answers", () => new Promise<Response>(() => {})],
  ])("in words that say to retry where the provider %s", async (_what, answer) => {
    provider.answer = answer;
    expect(await rejectionOf(currentUser(byToken("the-token")))).toMatchObject({
      code: "08006",
      message: 'failed to reach the token provider for user "app"',
    });
    expect(provider.asked).toHaveLength(1);
  });

  test("where it could be no header, before anything is asked", async () => {
    const injected = "the-token\r\nx-admin: yes";
    expect(await rejectionOf(currentUser(byToken(injected)))).toMatchObject({ code: "28P01" });
    expect(provider.asked).toEqual([]);
  });

  test("where the tenant has no such user, in the same words", async () => {
    expect(await rejectionOf(currentUser(byToken("the-token", { user: "nobody" })))).toMatchObject({
      code: "28P01",
      message: 'password authentication failed for user "nobody"',
    });
  });
});

describe("without asking for a token", () => {
  test("a password is taken, in clear text inside TLS and by SCRAM without", async () => {
    const { external_id } = { external_id: "passwords" };
    await pooler.putTenant({ external_id, use_jit: true, jit_api_url: "http://127.0.0.1:1/" });
    const target = {
      ...pooler.target("transaction", external_id),
      ssl: { rejectUnauthorized: false },
    };
    expect(await currentUser(target)).toBe("postgres");
    expect(await currentUser({ ...target, ssl: false })).toBe("postgres");
    expect(provider.asked).toEqual([]);
  });

  test("jit is PostgreSQL's own setting where the tenant has no tokens", async () => {
    await pooler.putTenant({ external_id: "plain" });
    const target = { ...pooler.target("transaction", "plain"), options: "-c jit=true" };
    const client = new Client(target);
    await client.connect();
    const { rows } = await client.query("show jit");
    await client.end();
    expect(rows).toEqual([{ jit: "on" }]);
  });
});

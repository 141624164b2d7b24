/**
 * What is kept of a tenant's secrets, by a clock that the test moves: real connections to a real PostgreSQL.
 */

import { afterAll, beforeAll, beforeEach, describe, expect, test } from "bun:test";
import { SystemRandom } from "../../../src/app/system/system-random.ts";
import { SystemWallClock } from "../../../src/app/system/system-wall-clock.ts";
import { KernelOptions } from "../../../src/net/kernel-options.ts";
import { Ticker } from "../../../src/pool/ticker.ts";
import type { AuthQueryRecipe } from "../../../src/proxy/login/auth-query-connection.ts";
import { TenantSecrets } from "../../../src/proxy/login/tenant-secrets.ts";
import { eventually } from "../../support/eventually.ts";
import { FakeClock } from "../../support/fake-clock.ts";
import { startPostgres, type TestPostgres } from "../../support/postgres.ts";
import { rejectionOf } from "../../support/rejection.ts";

const MINUTE_MS = 60_000;
const DAY_MS = 86_400_000;
const MD5 = (digit: number): string => `md5${String(digit).repeat(32)}`;

let postgres: TestPostgres;
let clock: FakeClock;
let secrets: TenantSecrets;
let recipe: AuthQueryRecipe;

beforeAll(async () => {
  postgres = await startPostgres();
  await postgres.query("create table roles (name text primary key, secret text)");
});

afterAll(async () => {
  await postgres[Symbol.asyncDispose]();
});

beforeEach(async () => {
  clock = new FakeClock();
  const logger = { debug: ignore, info: ignore, warn: ignore, error: ignore };
  recipe = {
    address: { hostname: "127.0.0.1", port: postgres.port, ipVersion: "auto", tls: null },
    user: postgres.superuser,
    secrets: { secret: { kind: "plaintext", password: postgres.password }, previous: null },
    database: "postgres",
    query: "select name, secret from roles where name = $1",
    connectTimeoutMs: 15_000,
    idleTimeoutMs: 10 * MINUTE_MS,
    lifetimeMs: 60 * MINUTE_MS,
    retryMaxMs: 1000,
  };
  secrets = new TenantSecrets(recipe, {
    net: { clock, logger, kernel: new KernelOptions() },
    wallClock: new SystemWallClock(),
    random: new SystemRandom(),
    ticker: new Ticker({ clock, onFault: fail }),
    settings: { authQueryCacheMs: 0, authQueryTimeoutMs: 5000, scramIterationsMax: 1_000_000 },
  });
  await postgres.query(`truncate roles; insert into roles values ('app', '${MD5(1)}')`);
});

function ignore(): void {
  // What is logged is no matter here.
}

function fail(error: unknown): never {
  throw error;
}

function change(secret: string): Promise<unknown> {
  return postgres.query(`update roles set secret = '${secret}'`);
}

describe("what is kept", () => {
  test("is refreshed once a minute in the background, and used when the database is away", async () => {
    expect(await secrets.secretOf("app")).toBe(MD5(1));
    await change(MD5(2));
    clock.advance(MINUTE_MS + 200);
    await eventually(() => {
      if (!secrets.isOutdated("app", MD5(1))) throw new Error("not refreshed yet");
    });
    await postgres.shutDown();
    try {
      expect(await secrets.secretOf("app")).toBe(MD5(2));
      clock.advance(DAY_MS - MINUTE_MS);
      expect(await secrets.secretOf("app")).toBe(MD5(2));
      clock.advance(MINUTE_MS);
      expect(await rejectionOf(secrets.secretOf("app"))).toMatchObject({ sqlstate: "08006" });
    } finally {
      await postgres.start();
    }
  });

  test("is never a name that nobody has", async () => {
    expect(await secrets.secretOf("app")).toBe(MD5(1));
    const flood = Array.from({ length: 900 }, (_, index) => secrets.secretOf(`nobody ${index}`));
    expect(new Set(await Promise.all(flood))).toEqual(new Set([null]));
    expect(secrets.kept).toBe(1);
  });

  test("is forgotten with the role, and where PostgreSQL refuses it", async () => {
    await secrets.secretOf("app");
    await postgres.query("truncate roles");
    expect(await secrets.secretOf("app")).toBeNull();
    expect(secrets.kept).toBe(0);
    await postgres.query(`insert into roles values ('app', '${MD5(1)}')`);
    await secrets.secretOf("app");
    secrets.forget("app");
    expect(secrets.kept).toBe(0);
  });

  test("survives a new password of the manager, and no other database or query", async () => {
    await secrets.secretOf("app");
    secrets.follow({ ...recipe, retryMaxMs: 2000 });
    expect(secrets.kept).toBe(1);
    secrets.follow({ ...recipe, database: "other" });
    expect(secrets.kept).toBe(0);
  });
});

describe("logins that wait", () => {
  test("are a thousand names at most", async () => {
    await postgres.query("select pg_sleep(0)");
    const asked = Array.from({ length: 1200 }, (_, index) =>
      secrets.secretOf(`nobody ${index}`).catch((error: unknown) => error),
    );
    const refused = (await Promise.all(asked)).filter((outcome) => outcome !== null);
    expect(refused).toHaveLength(200);
    expect(refused[0]).toMatchObject({
      sqlstate: "57P03",
      detail: expect.stringContaining("1000"),
    });
  });

  test("do not share an answer that was under way before they came", async () => {
    await secrets.secretOf("app");
    const first = secrets.secretOf("app");
    const [second, third] = [secrets.secretOf("app"), secrets.secretOf("app")];
    expect(await Promise.all([first, second, third])).toEqual([MD5(1), MD5(1), MD5(1)]);
    await change(MD5(3));
    expect(await secrets.secretOf("app")).toBe(MD5(3));
  });
});

test("the connection is closed when nobody has logged in for the idle timeout", async () => {
  await secrets.secretOf("app");
  expect(secrets.servers).toBe(1);
  clock.advance(9 * MINUTE_MS);
  expect(secrets.servers).toBe(1);
  await eventually(() => {
    clock.advance(MINUTE_MS);
    if (secrets.servers > 0) throw new Error("still open");
  });
});

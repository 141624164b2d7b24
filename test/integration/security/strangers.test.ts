/**
 * What a stranger can find out about tenants and users: nothing, by words, by salts or by time.
 */

import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { randomBytes } from "node:crypto";
import { readAuthenticationSASLContinue } from "../../../src/wire/backend/authentication-sasl-continue.ts";
import type { ErrorFields } from "../../../src/wire/backend/error-fields.ts";
import { writeSASLInitialResponse } from "../../../src/wire/frontend/sasl-initial-response.ts";
import { BACKEND } from "../../../src/wire/message-type.ts";
import { startPooler, type TestPooler } from "../../support/pooler.ts";
import { startPostgres, type TestPostgres } from "../../support/postgres.ts";
import { LogKeeper } from "./support/log-keeper.ts";
import { built, RawClient } from "./support/raw-client.ts";

/** The same for all poolers here, as for the nodes of a cluster. */
const VAULT_ENC_KEY = "0123456789abcdef0123456789abcdef";

const log = new LogKeeper();
let postgres: TestPostgres;
let pooler: TestPooler;

function start(env: Readonly<Record<string, string>> = {}): Promise<TestPooler> {
  return startPooler(postgres, { logger: log, env: { VAULT_ENC_KEY, ...env } });
}

/** How a client names itself and its tenant. */
interface Name {
  readonly user: string;
  readonly options?: string;
}

async function failedLogin(name: Name, at: TestPooler = pooler): Promise<ErrorFields> {
  using client = await RawClient.connect(at.portOf("transaction"));
  client.startup({ parameters: { ...name } });
  await client.prove({ password: "a guess" });
  return await client.error();
}

/** The salt and the iteration count that the name is answered with. */
async function challengeOf(name: Name, at: TestPooler = pooler): Promise<string> {
  using client = await RawClient.connect(at.portOf("transaction"));
  client.startup({ parameters: { ...name } });
  await client.until(BACKEND.Authentication);
  const first = Buffer.from(`n,,n=,r=${randomBytes(18).toString("base64")}`);
  client.send(built((writer) => writeSASLInitialResponse(writer, "SCRAM-SHA-256", first)));
  const challenge = await client.until(BACKEND.Authentication);
  const text = Buffer.from(readAuthenticationSASLContinue(challenge, 0, challenge.length));
  return String(text).replace(/^r=[^,]*,/, "");
}

/** The error with placeholders for what the client itself has said. */
function withoutNames(fields: ErrorFields, name: string, tenant: string): string {
  return JSON.stringify(fields).replaceAll(name, "NAME").replaceAll(tenant, "TENANT");
}

/** The time that one in ten stays below: what others do on the machine at the time is not in it. */
function firstDecile(times: readonly number[]): number {
  return times.toSorted((one, other) => one - other)[Math.floor(times.length / 10)] ?? 0;
}

beforeAll(async () => {
  postgres = await startPostgres();
  pooler = await start();
});

afterAll(async () => {
  await pooler[Symbol.asyncDispose]();
  await postgres[Symbol.asyncDispose]();
  expect(log.errors).toEqual([]);
});

describe("a wrong password, an unknown user and an unknown tenant", () => {
  test("are answered in the same words, but for the client's own", async () => {
    const [wrong, noUser, noTenant] = await Promise.all([
      failedLogin({ user: "postgres.dev" }),
      failedLogin({ user: "nobody.dev" }),
      failedLogin({ user: "postgres.nowhere" }),
    ]);
    expect(wrong).toMatchObject({
      severity: "FATAL",
      sqlstate: "28P01",
      message: 'password authentication failed for user "postgres.dev"',
    });
    const expected = withoutNames(wrong, "postgres.dev", ".dev");
    expect(withoutNames(noUser, "nobody.dev", ".dev")).toEqual(expected);
    expect(withoutNames(noTenant, "postgres.nowhere", ".nowhere")).toEqual(expected);
  });

  test("take about the same time", async () => {
    const names = ["postgres.dev", "nobody.dev", "postgres.nowhere"];
    const times = new Map<string, number[]>(names.map((user) => [user, []]));
    for (let round = 0; round < 50; round += 1) {
      for (const user of names) {
        const began = performance.now();
        // oxlint-disable-next-line no-await-in-loop -- one after the other, so that they don't queue
        await failedLogin({ user });
        times.get(user)?.push(performance.now() - began);
      }
    }
    // A PBKDF2 on one side only would more than double it.
    const fast = names.map((user) => firstDecile(times.get(user) ?? []));
    expect(Math.max(...fast) / Math.min(...fast)).toBeLessThan(1.6);
  });

  test("name the user as the client did, whichever tenant was looked at in the end", async () => {
    await using other = await start({ DEFAULT_TENANT: "dev" });
    const message = 'password authentication failed for user "postgres.nowhere"';
    expect(await failedLogin({ user: "postgres.nowhere" }, other)).toMatchObject({ message });
    const ofTenant = 'password authentication failed for user "postgres.dev"';
    expect(await failedLogin({ user: "postgres.dev" }, other)).toMatchObject({ message: ofTenant });
  });
});

describe("the salt of a login", () => {
  test.each(["postgres.dev", "nobody.dev", "postgres.nowhere"])(
    "of %s is the same at each try, on each worker, and after a restart",
    async (user) => {
      await using other = await start();
      const first = await challengeOf({ user });
      expect(await challengeOf({ user })).toBe(first);
      expect(await challengeOf({ user }, other)).toBe(first);
    },
  );

  test("is another for each name, whether its tenant exists or not", async () => {
    const users = ["postgres.dev", "a.dev", "b.dev", "a.nowhere", "b.nowhere", "a.elsewhere"];
    const salts = await Promise.all(users.map((user) => challengeOf({ user })));
    expect(new Set(salts).size).toBe(users.length);
  });

  test.each([
    ["postgres", "dev"],
    ["nobody", "dev"],
    ["postgres", "nowhere"],
  ])("of %s in %s is the same however the tenant is named", async (user, tenant) => {
    await using other = await start({ DEFAULT_TENANT: "dev" });
    const bySuffix = await challengeOf({ user: `${user}.${tenant}` }, other);
    const byReference = await challengeOf({ user, options: `reference=${tenant}` }, other);
    expect(byReference).toBe(bySuffix);
  });

  test("comes with the iteration count of PostgreSQL, whether the user exists or not", async () => {
    const challenges = ["postgres.dev", "nobody.dev", "postgres.nowhere"].map((user) =>
      challengeOf({ user }),
    );
    for (const challenge of await Promise.all(challenges)) expect(challenge).toEndWith(",i=4096");
  });
});

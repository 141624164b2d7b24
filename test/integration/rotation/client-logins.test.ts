/**
 * Who may log in while a password is being changed: with the new one always, with the old one for as long as
 * it was said to hold. PostgreSQL itself trusts everybody here: it is the pooler that decides.
 */

import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import type { ClientConfig } from "pg";
import { md5Verifier } from "../../../src/auth/md5.ts";
import { formatScramVerifier } from "../../../src/auth/scram-verifier.ts";
import { BACKEND } from "../../../src/wire/message-type.ts";
import { verifierOf } from "../../auth/login.ts";
import { eventually } from "../../support/eventually.ts";
import { startPooler, type TestPooler } from "../../support/pooler.ts";
import { startPostgres, type TestPostgres } from "../../support/postgres.ts";
import { rejectionOf } from "../../support/rejection.ts";
import { TLS_FIXTURES } from "../../support/tls-fixtures.ts";
import { WITH_CERTIFICATE } from "../security/support/certificates.ts";
import { LogKeeper } from "../security/support/log-keeper.ts";
import { RawClient } from "../security/support/raw-client.ts";
import { currentUser } from "../security/support/sign-in.ts";

const UNTIL = "2030-01-01T00:00:00.000Z";
const BEFORE = "2029-12-31T23:59:59.999Z";
const NEW = "new-password";
const OLD = "old-password";

/** The calendar, to be turned by hand. */
const wallClock = { now: BEFORE, iso: () => wallClock.now };
const log = new LogKeeper();
let postgres: TestPostgres;
let scram: TestPooler;
let cleartext: TestPooler;

beforeAll(async () => {
  postgres = await startPostgres({ hba: ["host all all all trust"] });
  await postgres.query("create role app login");
  const options = { logger: log, env: WITH_CERTIFICATE, wallClock };
  scram = await startPooler(postgres, options);
  cleartext = await startPooler(postgres, { ...options, config: { clientAuthMethod: "password" } });
});

afterAll(async () => {
  await scram[Symbol.asyncDispose]();
  await cleartext[Symbol.asyncDispose]();
  await postgres[Symbol.asyncDispose]();
  expect(log.text).not.toMatch(/(new|old)-password/);
  expect(log.errors).toEqual([]);
});

/** As the store may have it. */
const FORMS: Readonly<Record<string, (password: string, salt?: number) => string>> = {
  "in clear text": (password) => password,
  "a verifier": (password) => formatScramVerifier(verifierOf(password)),
  "a verifier of another salt": (password) =>
    formatScramVerifier(verifierOf(password, new Uint8Array(16).fill(9))),
  "an MD5 hash": (password) => md5Verifier("app", password),
};

let tenants = 0;

/** Puts a tenant of its own into a store, with both passwords. */
async function rotating(pooler: TestPooler, present: string, before: string): Promise<string> {
  tenants += 1;
  const external_id = `rotating_${tenants}`;
  const passwords = {
    db_password: FORMS[present]?.(NEW),
    db_password_previous: FORMS[before]?.(OLD),
  };
  const users = [{ db_user: "app", ...passwords, previous_valid_until: UNTIL }];
  await pooler.putTenant({ external_id, users });
  return external_id;
}

function target(pooler: TestPooler, tenant: string, password: string) {
  const ssl = { rejectUnauthorized: false };
  return { ...pooler.target("transaction", tenant), user: `app.${tenant}`, password, ssl };
}

/** Which of the passwords are taken at the moment. */
async function taken(
  pooler: TestPooler,
  tenant: string,
  now: string,
  other: ClientConfig = {},
): Promise<string[]> {
  wallClock.now = now;
  const found: string[] = [];
  for (const password of [NEW, OLD, "third-password"]) {
    try {
      // oxlint-disable-next-line no-await-in-loop -- one after the other: the order is what is returned
      expect(await currentUser({ ...target(pooler, tenant, password), ...other })).toBe("app");
      found.push(password);
    } catch (error) {
      expect(error).toMatchObject({ code: "28P01" });
    }
  }
  return found;
}

describe("while the old password holds", () => {
  test.each([
    ["in clear text", "in clear text", [NEW, OLD]],
    ["a verifier", "a verifier", [NEW, OLD]],
    ["a verifier", "a verifier of another salt", [NEW]],
    ["a verifier", "in clear text", [NEW]],
    ["in clear text", "a verifier", [NEW]],
    ["in clear text", "an MD5 hash", [NEW]],
  ])("by SCRAM, %s after %s lets in %j", async (present, before, expected) => {
    const tenant = await rotating(scram, present, before);
    expect(await taken(scram, tenant, BEFORE)).toEqual(expected);
  });

  test.each([NEW, OLD])("by SCRAM bound to the TLS connection, %s is let in", async (password) => {
    const tenant = await rotating(scram, "in clear text", "in clear text");
    wallClock.now = BEFORE;
    using client = await RawClient.secured(scram.portOf("transaction"));
    client.startup({ parameters: { user: `app.${tenant}`, database: "postgres" } });
    const messages = await client.login({ password, boundTo: TLS_FIXTURES.server.certificate });
    expect(messages.at(-1)?.[0]).toBe(BACKEND.ReadyForQuery);
  });

  test.each([
    ["an MD5 hash", [NEW, OLD]],
    ["in clear text", [NEW, OLD]],
    ["a verifier", [NEW]],
  ])("by MD5, a hash after %s lets in %j", async (before, expected) => {
    const tenant = await rotating(scram, "an MD5 hash", before);
    const byMd5 = { user: "app", options: `reference=${tenant}`, ssl: false };
    expect(await taken(scram, tenant, BEFORE, byMd5)).toEqual(expected);
  });

  test.each(Object.keys(FORMS).flatMap((one) => Object.keys(FORMS).map((two) => [one, two])))(
    "in clear text, %s after %s lets in both",
    async (present = "", before = "") => {
      const tenant = await rotating(cleartext, present, before);
      expect(await taken(cleartext, tenant, BEFORE)).toEqual([NEW, OLD]);
    },
  );
});

describe("when its time is over", () => {
  test.each([
    ["by SCRAM", () => scram, "in clear text"],
    ["by MD5", () => scram, "an MD5 hash"],
    ["in clear text", () => cleartext, "in clear text"],
  ])("the old password is refused, %s, without anything being written", async (_how, of, form) => {
    const pooler = of();
    const tenant = await rotating(pooler, form, form);
    expect(await taken(pooler, tenant, BEFORE)).toEqual([NEW, OLD]);
    expect(await taken(pooler, tenant, UNTIL)).toEqual([NEW]);
  });

  test("the refusal is that of a wrong password, word for word", async () => {
    const tenant = await rotating(scram, "in clear text", "in clear text");
    wallClock.now = UNTIL;
    const refusals = [OLD, "never-a-password"].map((password) =>
      rejectionOf(currentUser(target(scram, tenant, password))),
    );
    const [over, wrong] = await Promise.all(refusals);
    expect(JSON.stringify(over)).toBe(JSON.stringify(wrong));
  });
});

/** Begins a login, has `fields` written, and proves the old password when they are known. */
async function changedDuring(fields: { readonly db_password: string }): Promise<string> {
  tenants += 1;
  const tenant = `changing_${tenants}`;
  wallClock.now = BEFORE;
  const put = (user: object) =>
    scram.putTenant({ external_id: tenant, users: [{ db_user: "app", ...user }] });
  await put({ db_password: OLD });
  using late = await RawClient.connect(scram.portOf("transaction"));
  late.startup({ parameters: { user: `app.${tenant}`, database: "postgres" } });
  const prove = await late.challenged();
  await put(fields);
  await eventually(() => currentUser(target(scram, tenant, fields.db_password)));
  prove(OLD);
  try {
    await late.until(BACKEND.ReadyForQuery);
    return "let in";
  } catch (error) {
    return String(error);
  }
}

describe("a client that is in the middle of its login when the password is changed", () => {
  test("is let in with the old one while that holds", async () => {
    const rotation = { db_password: NEW, db_password_previous: OLD, previous_valid_until: UNTIL };
    expect(await changedDuring(rotation)).toBe("let in");
  });

  test("is refused with one that does not hold any more", async () => {
    const rotation = { db_password: NEW, db_password_previous: OLD, previous_valid_until: BEFORE };
    expect(await changedDuring(rotation)).toContain("28P01");
    expect(await changedDuring({ db_password: NEW })).toContain("28P01");
  });
});

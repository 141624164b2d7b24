/**
 * Passwords and verifiers, from the client's login to the server's, by every way that PostgreSQL has.
 */

import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { randomBytes } from "node:crypto";
import { Client, type ClientConfig } from "pg";
import { formatScramVerifier } from "../../../src/auth/scram-verifier.ts";
import { verifierOf } from "../../auth/login.ts";
import { startPooler, type TestPooler } from "../../support/pooler.ts";
import { type PostgresVersion, startPostgres, type TestPostgres } from "../../support/postgres.ts";
import { psqlPath, runPsql } from "../../support/psql.ts";
import { rejectionOf } from "../../support/rejection.ts";
import { TLS_FIXTURES } from "../../support/tls-fixtures.ts";
import { WITH_CERTIFICATE } from "./support/certificates.ts";
import { LogKeeper } from "./support/log-keeper.ts";
import { RawClient } from "./support/raw-client.ts";
import { currentUser } from "./support/sign-in.ts";

/** Each role's password, which its server demands in its own way. */
const PASSWORDS = {
  plain: "plain-Pässwörd-1",
  verified: "verified-password-2",
  slow: "slow-password-3",
  hashed: "hashed-password-4",
  trusting: "trusting-password-5",
  clear: "clear-password-6",
  changed: "changed-password-7",
} as const;

type Role = keyof typeof PASSWORDS;

/** Of a client that has it. */
const UNCHANGED_PASSWORD = "old-password-8";

const HBA = [
  "host all trusting all trust",
  "host all hashed all md5",
  "host all clear all password",
  "host all all all scram-sha-256",
];

const SLOW_ITERATIONS = 8192;

function create(role: Role): string {
  return `create role ${role} login password '${PASSWORDS[role]}'`;
}

async function createRoles(postgres: TestPostgres): Promise<void> {
  const roles = ["plain", "verified", "trusting", "clear"] as const;
  await postgres.query(roles.map(create).join(";"));
  await postgres.query(`set password_encryption = md5; ${create("hashed")}`);
  await postgres.query(`create role changed login password '${UNCHANGED_PASSWORD}'`);
  if (postgres.majorVersion >= 16)
    await postgres.query(`set scram_iterations = ${SLOW_ITERATIONS}; ${create("slow")}`);
  else {
    const verifier = verifierOf(PASSWORDS.slow, randomBytes(16), SLOW_ITERATIONS);
    await postgres.query(`create role slow login password '${formatScramVerifier(verifier)}'`);
  }
}

/** What PostgreSQL has stored for each role. */
async function storedVerifiers(postgres: TestPostgres): Promise<Map<string, string>> {
  const rows = await postgres.query("select rolname, rolpassword from pg_authid");
  return new Map(rows.map((row) => [String(row["rolname"]), String(row["rolpassword"])]));
}

describe.each<PostgresVersion>([18, 15])("with PostgreSQL %d", (version) => {
  const log = new LogKeeper();
  const told: string[] = [];
  let postgres: TestPostgres;
  let pooler: TestPooler;
  let secrets: string[];

  beforeAll(async () => {
    postgres = await startPostgres({ version, hba: HBA, tls: true });
    await createRoles(postgres);
    const verifiers = await storedVerifiers(postgres);
    const copied = (role: Role) => ({ db_user: role, db_password: verifiers.get(role) });
    const users = [
      { db_user: "plain", db_password: PASSWORDS.plain },
      copied("verified"),
      copied("slow"),
      copied("hashed"),
      { db_user: "trusting", db_password: PASSWORDS.trusting },
      { db_user: "clear", db_password: PASSWORDS.clear },
      copied("changed"),
      { db_user: "hashed", db_user_alias: "hashed-by-us", db_password: PASSWORDS.hashed },
    ];
    const encrypted = { external_id: "tls", users, upstream_ssl: true, upstream_verify: "none" };
    pooler = await startPooler(postgres, { logger: log, env: WITH_CERTIFICATE, tenant: { users } });
    await pooler.putTenant(encrypted);
    await postgres.query(`alter role changed password '${PASSWORDS.changed}'`);
    secrets = [...Object.values(PASSWORDS), UNCHANGED_PASSWORD];
    for (const verifier of verifiers.values()) secrets.push(...verifier.split(/[$:]|^md5/));
    secrets = secrets.filter((secret) => secret.length > 7 && !secret.startsWith("SCRAM"));
  });

  afterAll(async () => {
    await pooler[Symbol.asyncDispose]();
    await postgres[Symbol.asyncDispose]();
    expect(log.errors).toEqual([]);
    expect(secrets.length).toBeGreaterThan(12);
    for (const secret of secrets) {
      expect(log.text).not.toContain(secret);
      expect(told.join("\n")).not.toContain(secret);
    }
  });

  function login(user: string, password: string, tenant = "dev") {
    const port = pooler.portOf("transaction");
    const config = { host: "127.0.0.1", port, database: "postgres" };
    return { ...config, user: `${user}.${tenant}`, password };
  }

  async function refusal(config: ClientConfig) {
    const reason = await rejectionOf(currentUser(config));
    told.push(JSON.stringify(reason), String(reason));
    return reason;
  }

  describe.each(["dev", "tls"])("at tenant %s", (tenant) => {
    test.each<Role>(["plain", "verified", "slow", "trusting"])(
      "%s logs in with the right password, through more than one server",
      async (role) => {
        const config = login(role, PASSWORDS[role], tenant);
        const clients = await Promise.all([new Client(config), new Client(config)].map(connected));
        try {
          await Promise.all(clients.map((client) => client.query("begin")));
          const answers = await Promise.all(
            clients.map((client) => client.query("select current_user, pg_backend_pid() as pid")),
          );
          expect(answers.map(({ rows }) => rows[0].current_user)).toEqual([role, role]);
          expect(answers[0]?.rows[0].pid).not.toBe(answers[1]?.rows[0].pid);
        } finally {
          await Promise.all(clients.map((client) => client.end()));
        }
      },
    );

    test.each<Role>(["plain", "verified", "slow", "trusting", "clear"])(
      "%s is refused with another password",
      async (role) => {
        expect(await refusal(login(role, `${PASSWORDS[role]}x`, tenant))).toMatchObject({
          code: "28P01",
          severity: "FATAL",
        });
      },
    );
  });

  describe("a user of whom an md5 hash is known", () => {
    const options = "reference=dev";
    const byReference = (password: string) => ({
      ...login("hashed", password),
      user: "hashed",
      options,
    });

    test("logs in by md5 where it sends the name that was hashed", async () => {
      expect(await currentUser(byReference(PASSWORDS.hashed))).toBe("hashed");
      expect(await refusal(byReference("a guess"))).toMatchObject({ code: "28P01" });
    });

    test("is asked for its password inside TLS where it sends another name", async () => {
      const ssl = { rejectUnauthorized: false };
      expect(await currentUser({ ...login("hashed", PASSWORDS.hashed), ssl })).toBe("hashed");
      expect(await refusal({ ...login("hashed", "a guess"), ssl })).toMatchObject({
        code: "28P01",
      });
    });

    test("is told so outside of TLS where it sends another name, whose hash never fits", async () => {
      expect(await refusal(login("hashed", PASSWORDS.hashed))).toMatchObject({
        code: "28000",
        hint: expect.stringContaining("sslmode=require"),
      });
    });
  });

  test("answers a server's md5 challenge from a password in clear text", async () => {
    expect(await currentUser(login("hashed-by-us", PASSWORDS.hashed))).toBe("hashed");
  });

  test("sends a password in clear text to a server inside TLS", async () => {
    expect(await currentUser(login("clear", PASSWORDS.clear, "tls"))).toBe("clear");
  });

  test("sends no password in clear text outside of TLS, and says what to do", async () => {
    expect(await refusal(login("clear", PASSWORDS.clear))).toMatchObject({
      code: "28000",
      hint: expect.stringContaining("upstream_ssl"),
    });
  });

  test("a verifier that the server has replaced is told apart from a wrong password", async () => {
    expect(await refusal(login("changed", UNCHANGED_PASSWORD))).toMatchObject({
      code: "28000",
      message: "the stored SCRAM verifier is not the server's",
      hint: expect.stringContaining("pg_authid"),
    });
  });

  test("binds SCRAM to the certificate that each side has seen", async () => {
    using client = await RawClient.secured(pooler.portOf("transaction"));
    client.startup({ parameters: { user: "verified.tls", database: "postgres" } });
    const boundTo = TLS_FIXTURES.server.certificate;
    await client.login({ password: PASSWORDS.verified, boundTo });
    client.query("select 1");
    expect(await client.untilReady()).toHaveLength(4);
  });

  test("refuses a client that is bound to a certificate that is not ours", async () => {
    using client = await RawClient.secured(pooler.portOf("transaction"));
    client.startup({ parameters: { user: "plain.dev", database: "postgres" } });
    const boundTo = TLS_FIXTURES.renewedServer.certificate;
    told.push(await client.prove({ password: PASSWORDS.plain, boundTo }));
    const error = await client.error();
    expect(error).toMatchObject({ severity: "FATAL", sqlstate: expect.stringMatching(/^(28|08)/) });
  });

  test.skipIf(psqlPath() === null)(
    "psql gets in with channel_binding=require (needs psql on PATH)",
    async () => {
      const password = encodeURIComponent(PASSWORDS.plain);
      const url = `postgres://plain.dev:${password}@127.0.0.1:${pooler.portOf("session")}/postgres`;
      const bound = `${url}?sslmode=require&channel_binding=require`;
      expect(await runPsql(bound, "-c", "select current_user")).toMatchObject({
        stdout: "plain",
        exitCode: 0,
      });
      const unbound = await runPsql(`${url}?sslmode=disable&channel_binding=require`, "-c", "");
      expect(unbound.stderr).toContain("channel binding");
    },
  );
});

async function connected(client: Client): Promise<Client> {
  await client.connect();
  return client;
}

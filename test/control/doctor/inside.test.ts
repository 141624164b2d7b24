/**
 * What the doctor finds once PostgreSQL is reached: every fault is made there, not told.
 */

import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { connect, createServer } from "node:net";
import { Client } from "pg";
import type { Finding } from "../../../src/control/doctor/finding.ts";
import { startPostgres, type TestPostgres } from "../../support/postgres.ts";
import { complaints, type ExamineOptions, examine } from "./support/examine.ts";

const PASSWORD = "doctors-secret-word";
let postgres: TestPostgres;

beforeAll(async () => {
  postgres = await startPostgres({
    settings: { max_connections: "30", superuser_reserved_connections: "3" },
    hba: [
      "host all trusting all trust",
      "host all hashed all md5",
      "host all all all scram-sha-256",
    ],
  });
});

afterAll(async () => {
  await postgres[Symbol.asyncDispose]();
});

let roles = 0;

/** A role of its own with these attributes. */
async function createRole(attributes = "login", password = PASSWORD): Promise<string> {
  roles += 1;
  const name = `patient_${roles}`;
  await postgres.query(`create role ${name} ${attributes} password '${password}'`);
  return name;
}

/** Looks into a tenant of these users, and at its own words for secrets. */
async function look(
  users: readonly object[],
  fields: object = {},
  options: ExamineOptions = {},
): Promise<readonly Finding[]> {
  const where = { db_host: "127.0.0.1", db_port: postgres.port, default_pool_size: 5 };
  const findings = await examine({ ...where, users, ...fields }, options);
  expect(JSON.stringify(findings)).not.toMatch(new RegExp(`${PASSWORD}|SCRAM-SHA-256\\$4096`));
  for (const { verdict, advice } of findings) expect(advice === null).toBe(verdict === "ok");
  return findings;
}

const lookAt = (db_user: string, fields: object = {}) =>
  look([{ db_user, db_password: PASSWORD }], fields);

describe("a tenant in order", () => {
  test("has no complaint, and every check is among the findings", async () => {
    const findings = await lookAt(await createRole());
    expect(complaints(findings)).toEqual([]);
    expect(findings.map(({ check }) => check.replace(/patient_.*/, "ROLE"))).toEqual([
      "record",
      "ban",
      "allow_list",
      "name resolution",
      "TCP",
      "TLS",
      "login of ROLE",
      "server",
      "role ROLE",
      "connection limits",
      "clock",
      "latency",
    ]);
  });

  test("leaves no connection behind", async () => {
    const role = await createRole();
    await lookAt(role);
    const sql = "select count(*)::int as n from pg_stat_activity where usename = $1";
    expect(await postgres.query(sql, [role])).toEqual([{ n: 0 }]);
  });

  test("may have users of every kind", async () => {
    const [plain, other] = [await createRole(), await createRole()];
    await postgres.query("create role trusting login");
    await postgres.query(
      `set password_encryption = md5; create role hashed login password '${PASSWORD}'`,
    );
    const users = [
      { db_user: plain, db_password: PASSWORD },
      { db_user: other, db_password: PASSWORD, db_user_alias: "another" },
      { db_user: "trusting", db_password: "anything" },
      { db_user: "hashed", db_password: PASSWORD },
      { db_user: plain, db_user_alias: "piped", mode_type: "native" },
    ];
    const findings = await look(users, { default_pool_size: 2 });
    expect(complaints(findings)).toEqual([]);
    expect(findings.find(({ check }) => check === "login of piped")?.found).toContain("not tried");
  });
});

describe("a login that PostgreSQL refuses", () => {
  test("by a wrong password", async () => {
    const role = await createRole("login", "another-password");
    const findings = await lookAt(role);
    expect(complaints(findings)).toEqual([
      `login of ${role}: password authentication failed for user "${role}" (28P01)`,
    ]);
    expect(findings.at(-1)?.advice).toContain("ALTER ROLE");
  });

  test("as NOLOGIN", async () => {
    const role = await createRole("nologin");
    expect(complaints(await lookAt(role))).toEqual([
      `login of ${role}: role "${role}" is not permitted to log in (28000)`,
    ]);
  });

  test("for want of the database", async () => {
    const role = await createRole();
    expect(complaints(await lookAt(role, { db_database: "nowhere" }))).toEqual([
      `login of ${role}: database "nowhere" does not exist (3D000)`,
    ]);
  });

  test("for want of CONNECT", async () => {
    const role = await createRole();
    await postgres.query("create database closed");
    await postgres.query("revoke connect on database closed from public");
    const findings = await lookAt(role, { db_database: "closed" });
    expect(complaints(findings)).toEqual([
      `login of ${role}: permission denied for database "closed" (42501)`,
    ]);
    expect(findings.at(-1)?.advice).toContain("GRANT CONNECT");
  });

  test("of one user, and says why by what another one sees", async () => {
    const doctor = await createRole();
    const nologin = await createRole("nologin");
    const expired = await createRole("login valid until '2020-01-01'");
    const users = [doctor, nologin, expired, "nobody_at_all"];
    const findings = await look(
      users.map((db_user) => ({ db_user, db_password: PASSWORD, pool_size: 1 })),
    );
    expect(complaints(findings)).toEqual([
      `login of ${nologin}: role "${nologin}" is not permitted to log in (28000)`,
      `login of ${expired}: password authentication failed for user "${expired}" (28P01)`,
      `login of nobody_at_all: password authentication failed for user "nobody_at_all" (28P01)`,
      `role ${nologin}: it is NOLOGIN`,
      `role ${expired}: its password was VALID UNTIL 2020-01-01T00:00:00Z`,
      "role nobody_at_all: there is no such role",
    ]);
  });

  test("for want of connections", async () => {
    const role = await createRole("login connection limit 0");
    expect(complaints(await lookAt(role))).toEqual([
      `login of ${role}: too many connections for role "${role}" (53300)`,
    ]);
  });
});

describe("a secret", () => {
  test("that is a verifier is said to open no server by itself", async () => {
    const role = await createRole();
    const sql = "select rolpassword from pg_authid where rolname = $1";
    const [row] = await postgres.query(sql, [role]);
    const findings = await look([{ db_user: role, db_password: row?.["rolpassword"] }]);
    expect(findings.at(-1)).toMatchObject({ verdict: "warning", check: `login of ${role}` });
    expect(findings.at(-1)?.found).toContain("a verifier");
  });

  test("that PostgreSQL has not heard of yet is told from a wrong one while the one before holds", async () => {
    const db_user = await createRole();
    const user = { db_user, db_password: "new-one", db_password_previous: PASSWORD };
    const findings = await look([{ ...user, previous_valid_until: "2099-01-01T00:00:00Z" }]);
    expect(complaints(findings)).toEqual([
      `login of ${db_user}: PostgreSQL has the password before the present one still, which Carpool uses until 2099-01-01T00:00:00.000Z`,
    ]);
    expect(findings.at(-1)?.check).toBe("latency");
    const over = await look([{ ...user, previous_valid_until: "2020-01-01T00:00:00Z" }]);
    expect(over.at(-1)).toMatchObject({ verdict: "problem", check: `login of ${db_user}` });
  });
});

describe("what PostgreSQL limits", () => {
  test.each<[string, object, Finding["verdict"]]>([
    ["more than max_connections leaves", { default_pool_size: 28 }, "problem"],
    ["no more than max_connections leaves", { default_pool_size: 20 }, "ok"],
    [
      "many, but the tenant's limit is lower",
      { default_pool_size: 99, max_server_connections: 9 },
      "ok",
    ],
    ["too many with the reserve", { default_pool_size: 20, reserve_pool_size: 8 }, "problem"],
  ])("servers of a pool: %s", async (_what, fields, verdict) => {
    const findings = await lookAt(await createRole(), fields);
    const limits = findings.find(({ check }) => check === "connection limits");
    expect(limits?.verdict).toEqual(verdict);
    expect(limits?.found).toContain("max_connections is 30, 3 of them reserved");
  });

  test("and what others have taken already is a warning", async () => {
    const connectionString = postgres.connectionString();
    const others = Array.from({ length: 6 }, () => new Client({ connectionString }));
    await Promise.all(others.map((other) => other.connect()));
    try {
      const findings = await lookAt(await createRole(), { default_pool_size: 26 });
      const limits = findings.find(({ check }) => check === "connection limits");
      expect(limits?.verdict).toBe("warning");
      expect(limits?.found).toMatch(/[67] are taken by others now/);
      expect(limits?.advice).toMatch(/max_server_connections to 2[01] or less/);
    } finally {
      await Promise.all(others.map((other) => other.end()));
    }
  });

  test("a role's CONNECTION LIMIT below its pools", async () => {
    const role = await createRole("login connection limit 4");
    expect(complaints(await lookAt(role))).toEqual([
      `role ${role}: its CONNECTION LIMIT is 4, and its pools may have 5 servers`,
    ]);
    expect(complaints(await lookAt(role, { default_pool_size: 4 }))).toEqual([]);
  });

  test("a database's CONNECTION LIMIT below the pools", async () => {
    const role = await createRole();
    await postgres.query("create database narrow");
    await postgres.query("alter database narrow connection limit 3");
    expect(complaints(await lookAt(role, { db_database: "narrow" }))).toEqual([
      "connection limits: the limit is 3, and the tenant's pools may have 5 servers",
    ]);
  });

  test("a VALID UNTIL that is near, and a superuser", async () => {
    const role = await createRole("superuser login");
    await postgres.query(
      `do $$ begin execute format('alter role ${role} valid until %L', now() + interval '3 days'); end $$`,
    );
    expect(complaints(await lookAt(role))).toEqual([
      expect.stringContaining("it is a superuser"),
      expect.stringContaining("its password is VALID UNTIL"),
    ]);
  });
});

describe("PostgreSQL 15", () => {
  test("which reserves connections for superusers only, is asked in its own way", async () => {
    await using older = await startPostgres({ version: 15 });
    await older.query(`create role app login password '${PASSWORD}'`);
    const users = [{ db_user: "app", db_password: PASSWORD }];
    const findings = await look(users, { db_port: older.port });
    expect(complaints(findings)).toEqual([]);
    expect(findings.find(({ check }) => check === "server")?.found).toStartWith("PostgreSQL 15.");
    expect(findings.find(({ check }) => check === "connection limits")?.found).toContain(
      "max_connections is 100, 3 of them reserved",
    );
  });
});

describe("time", () => {
  test("that differs is a warning with the difference", async () => {
    const wallClock = { iso: () => new Date(Date.now() - 3_600_000).toISOString() };
    const user = { db_user: await createRole(), db_password: PASSWORD };
    const [complaint] = complaints(await look([user], {}, { wallClock }));
    expect(complaint).toMatch(/^clock: the server is 3(600|599)\.\d+ s ahead$/);
  });
});

describe("latency", () => {
  test("of a far server is a warning with the time of a round trip", async () => {
    await using far = await distantPort(postgres.port, 30);
    const users = [{ db_user: await createRole(), db_password: PASSWORD }];
    const latency = (await look(users, { db_port: far.port })).at(-1);
    expect(latency).toMatchObject({ check: "latency", verdict: "warning" });
    expect(Number.parseFloat(latency?.found ?? "")).toBeGreaterThanOrEqual(30);
  });
});

describe("--user", () => {
  test("looks at one user only, by its name or its role", async () => {
    const [one, two] = [await createRole(), await createRole()];
    const users = [
      { db_user: one, db_password: PASSWORD, db_user_alias: "first" },
      { db_user: two, db_password: "wrong", db_user_alias: "second" },
    ];
    expect(complaints(await look(users, {}, { user: "first" }))).toEqual([]);
    expect(complaints(await look(users, {}, { user: two }))).toHaveLength(1);
  });

  test("says whom the tenant does not have, and who may be meant", async () => {
    const users = [
      { db_user: await createRole(), db_password: PASSWORD, db_user_alias: "reporting" },
    ];
    expect(complaints(await look(users, {}, { user: "reportign" }))).toEqual([
      "users: the tenant has no user of that name: did you mean reporting?",
    ]);
  });

  test("is told of a tenant without users", async () => {
    expect(complaints(await look([]))).toEqual(["users: there is none: nobody can log in"]);
  });
});

/** A port that leads to another one, whose answers come later by so much. */
async function distantPort(port: number, delayMs: number) {
  const server = createServer((near) => {
    const far = connect(port, "127.0.0.1");
    near.on("data", (bytes) => far.write(bytes));
    far.on("data", (bytes) => setTimeout(() => near.write(bytes), delayMs));
    near.on("close", () => far.destroy());
    far.on("close", () => setTimeout(() => near.destroy(), delayMs));
    for (const socket of [near, far]) socket.on("error", () => {}); // its close follows
  });
  const { promise, resolve } = Promise.withResolvers<void>();
  server.listen(0, "127.0.0.1", resolve);
  await promise;
  const address = server.address();
  return {
    port: typeof address === "object" && address !== null ? address.port : 0,
    async [Symbol.asyncDispose]() {
      server.close();
    },
  };
}

/**
 * The ways to name a tenant, and what is said to who names none.
 */

import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { Client, type ClientConfig } from "pg";
import { startPooler, type TestPooler } from "../../support/pooler.ts";
import { startPostgres, type TestPostgres } from "../../support/postgres.ts";
import { psqlPath, runPsql } from "../../support/psql.ts";
import { rejectionOf } from "../../support/rejection.ts";
import { WITH_CERTIFICATE } from "./support/certificates.ts";
import { LogKeeper } from "./support/log-keeper.ts";
import { currentUser } from "./support/sign-in.ts";

const PASSWORD = "one-password-for-all";

const log = new LogKeeper();
let postgres: TestPostgres;
let pooler: TestPooler;
/** The same with DEFAULT_TENANT. */
let withDefault: TestPooler;

beforeAll(async () => {
  postgres = await startPostgres();
  const roles = ["app", '"first.last"', '"app.dev"'];
  await postgres.query(
    roles.map((role) => `create role ${role} login password '${PASSWORD}'`).join(";"),
  );
  const users = ["app", "first.last"].map(userOf);
  const start = async (env: Readonly<Record<string, string>>) => {
    const started = await startPooler(postgres, {
      logger: log,
      env: { ...WITH_CERTIFICATE, ...env },
      tenant: { users },
    });
    await started.putTenant({ external_id: "acme", sni_hostname: "db.acme.example", users });
    return started;
  };
  pooler = await start({});
  withDefault = await start({ DEFAULT_TENANT: "plain" });
  const others = [...users, userOf("app.dev")];
  await withDefault.putTenant({ external_id: "plain", users: others });
});

afterAll(async () => {
  await pooler[Symbol.asyncDispose]();
  await withDefault[Symbol.asyncDispose]();
  await postgres[Symbol.asyncDispose]();
  expect(log.text).not.toContain(PASSWORD);
  expect(log.errors).toEqual([]);
});

function userOf(db_user: string) {
  return { db_user, db_password: PASSWORD };
}

function login(user: string, more: ClientConfig = {}, at = pooler): ClientConfig {
  const port = at.portOf("transaction");
  return { host: "127.0.0.1", port, user, password: PASSWORD, database: "postgres", ...more };
}

/** What psql prints, or says, when it is told to connect in this way. */
function askByPsql(connection: string) {
  const port = pooler.portOf("session");
  const common = `hostaddr=127.0.0.1 port=${port} dbname=postgres user=app password=${PASSWORD}`;
  return runPsql(`${common} ${connection}`, "-c", "select current_user");
}

/** TLS with this server name. */
function named(servername: string): ClientConfig {
  return { ssl: { rejectUnauthorized: false, servername } };
}

describe("a tenant is named", () => {
  test.each([
    ["app.dev", "app"],
    ["first.last.dev", "first.last"],
    ["app.acme", "app"],
  ])("behind the last dot of the user name %s", async (user, role) => {
    expect(await currentUser(login(user))).toBe(role);
  });

  test.each([
    "reference=dev",
    "-c reference=dev",
    "--reference=dev",
    "reference%3Ddev",
    "reference=dev -c search_path=pg_catalog",
    "-c search_path=pg_catalog reference=dev",
  ])("by the options %p, and the user name is taken as it is", async (options) => {
    expect(await currentUser(login("first.last", { options }))).toBe("first.last");
  });

  test("by options that set something as well", async () => {
    const options = "reference=dev -c search_path=pg_catalog -c work_mem=7MB";
    const client = new Client(login("app", { options }));
    await client.connect();
    try {
      const { rows } = await client.query(
        "select current_setting('search_path') as path, current_setting('work_mem') as memory",
      );
      expect(rows).toEqual([{ path: "pg_catalog", memory: "7MB" }]);
    } finally {
      await client.end();
    }
  });

  test.each([
    ["its whole sni_hostname", "db.acme.example"],
    ["its sni_hostname in capitals", "DB.Acme.Example"],
    ["the first label", "dev.pool.example"],
    ["nothing but a label", "acme"],
  ])("by the TLS server name: %s", async (_what, servername) => {
    expect(await currentUser(login("first.last", named(servername)))).toBe("first.last");
  });

  test("by DEFAULT_TENANT, dots in the user name or not", async () => {
    expect(await currentUser(login("app", {}, withDefault))).toBe("app");
    expect(await currentUser(login("first.last", {}, withDefault))).toBe("first.last");
  });

  test("by its suffix before DEFAULT_TENANT is thought of", async () => {
    expect(await currentUser(login("app.dev", {}, withDefault))).toBe("app");
  });

  test("by the reference alone, whatever else the client says", async () => {
    const options = "reference=nowhere";
    expect(await rejectionOf(currentUser(login("app.dev", { options })))).toMatchObject({
      code: "28P01",
    });
    const name = named("dev.pool.example");
    expect(await rejectionOf(currentUser(login("app", { options, ...name })))).toMatchObject({
      code: "28P01",
    });
  });

  describe.skipIf(psqlPath() === null)("by psql (needs psql on PATH)", () => {
    test.each([
      ["host=dev.pool.example sslmode=require", "the first label of its host"],
      ["host=db.acme.example sslmode=require", "its host"],
      ["host=localhost options=reference=dev sslmode=disable", "its options"],
      ["host=localhost options='-c search_path=public reference=acme'", "options among others"],
    ])("%s", async (connection) => {
      expect(await askByPsql(connection)).toMatchObject({ stdout: "app", exitCode: 0 });
    });

    test("in a URL's options", async () => {
      const port = pooler.portOf("session");
      const url = `postgres://app:${PASSWORD}@127.0.0.1:${port}/postgres?options=reference%3Ddev`;
      expect(await runPsql(url, "-c", "select current_user")).toMatchObject({ stdout: "app" });
    });

    test("not by a host that nobody is to hear of", async () => {
      const answer = await askByPsql("host=dev.pool.example sslmode=require sslsni=0");
      expect(answer.stderr).toContain("no tenant was named");
    });
  });
});

describe("a client that names no tenant", () => {
  test.each(["app", ".app", "app.", "app.not a tenant"])(
    "is told the ways to: %p",
    async (user) => {
      expect(await rejectionOf(currentUser(login(user)))).toMatchObject({
        severity: "FATAL",
        code: "28000",
        message: "no tenant was named",
        detail: expect.stringMatching(/reference=.*user name.*TLS.*default tenant/s),
        hint: expect.stringContaining("user.tenant"),
      });
    },
  );

  test("but a server name that is nobody's has named one, which is not told apart", async () => {
    const reason = await rejectionOf(currentUser(login("app", named("nowhere.pool.example"))));
    expect(reason).toMatchObject({
      code: "28P01",
      detail: expect.stringContaining("nowhere.pool.example"),
    });
  });

  test.each(["reference=", "reference=dev reference=acme", "reference=dev -z", "-c"])(
    "because its options are %p is told what is wrong with them",
    async (options) => {
      expect(await rejectionOf(currentUser(login("app", { options })))).toMatchObject({
        severity: "FATAL",
        code: "42601",
      });
    },
  );
});

describe("a name that could be meant for two tenants", () => {
  test("is that of the existing one: a suffix that is no tenant belongs to the user's name", async () => {
    await withDefault.store.write([{ kind: "delete", externalId: "dev" }]);
    const deadline = performance.now() + 5000;
    let user = "app";
    while (user !== "app.dev" && performance.now() < deadline) {
      // oxlint-disable-next-line no-await-in-loop -- until the change is heard of
      user = await currentUser(login("app.dev", {}, withDefault)).catch(String);
    }
    expect(user).toBe("app.dev");
  });
});

/**
 * Native mode: PostgreSQL's own authentication through a pipe, replication, and what goes wrong on the way.
 */

import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { Client } from "pg";
import { writeAuthenticationOk } from "../../../src/wire/backend/authentication-ok.ts";
import { writeAuthenticationSASL } from "../../../src/wire/backend/authentication-sasl.ts";
import { writeCommandComplete } from "../../../src/wire/backend/command-complete.ts";
import type { ErrorFields } from "../../../src/wire/backend/error-fields.ts";
import { writeReadyForQuery } from "../../../src/wire/backend/ready-for-query.ts";
import { BACKEND } from "../../../src/wire/message-type.ts";
import { startPooler, type TestPooler } from "../../support/pooler.ts";
import { startPostgres, type TestPostgres } from "../../support/postgres.ts";
import { psqlPath, runPsql } from "../../support/psql.ts";
import { rejectionOf } from "../../support/rejection.ts";
import { WITH_CERTIFICATE } from "./support/certificates.ts";
import { FakeServer } from "./support/fake-server.ts";
import { LogKeeper } from "./support/log-keeper.ts";
import { built, RawClient } from "./support/raw-client.ts";
import { currentUser } from "./support/sign-in.ts";

const PASSWORD = "known-to-the-server-only";

const log = new LogKeeper();
let postgres: TestPostgres;
let pooler: TestPooler;

beforeAll(async () => {
  postgres = await startPostgres({ tls: true, settings: { wal_level: "logical" } });
  await postgres.query(`
    create role direct login replication password '${PASSWORD}';
    create role stranger login password '${PASSWORD}';
    create table watched (id int primary key, word text);
    create publication all_of_it for table watched`);
  const users = [
    { db_user: "postgres", db_password: postgres.password },
    { db_user: "direct", mode_type: "native" },
    { db_user: "direct", db_user_alias: "by-alias", mode_type: "native" },
  ];
  pooler = await startPooler(postgres, { logger: log, env: WITH_CERTIFICATE, tenant: { users } });
  const tls = { external_id: "tls", users, upstream_ssl: true, upstream_verify: "none" };
  await pooler.putTenant(tls);
});

afterAll(async () => {
  await pooler[Symbol.asyncDispose]();
  await postgres[Symbol.asyncDispose]();
  expect(log.text).not.toContain(PASSWORD);
  expect(log.errors).toEqual([]);
});

function target(user: string, mode: "transaction" | "session" | "native" = "native") {
  const port = pooler.portOf(mode);
  return { host: "127.0.0.1", port, user, password: PASSWORD, database: "postgres" };
}

describe("PostgreSQL itself authenticates", () => {
  test.each([
    [
      "a user of the tenant, on the native port",
      target.bind(null, "direct.dev", "native"),
      "direct",
    ],
    [
      "a native user on the transaction port",
      target.bind(null, "direct.dev", "transaction"),
      "direct",
    ],
    ["a native user on the session port", target.bind(null, "direct.dev", "session"), "direct"],
    ["an alias, as its role", target.bind(null, "by-alias.dev", "transaction"), "direct"],
    ["a role that the tenant does not list", target.bind(null, "stranger.dev"), "stranger"],
  ])("%s", async (_who, of, role) => {
    expect(await currentUser(of())).toBe(role);
  });

  test("and refuses in its own words", async () => {
    const wrong = { ...target("direct.dev"), password: "a guess" };
    expect(await rejectionOf(currentUser(wrong))).toMatchObject({
      code: "28P01",
      message: 'password authentication failed for user "direct"',
      routine: "auth_failed",
    });
    const noDatabase = { ...target("direct.dev"), database: "nowhere" };
    expect(await rejectionOf(currentUser(noDatabase))).toMatchObject({ code: "3D000" });
  });

  test("but nobody of a tenant that does not exist", async () => {
    expect(await rejectionOf(currentUser(target("direct.nowhere")))).toMatchObject({
      code: "28P01",
      message: 'password authentication failed for user "direct.nowhere"',
    });
  });
});

describe("a pipe", () => {
  test("keeps the client's session, startup options too, and ends its server with it", async () => {
    const options = "-c work_mem=7MB -c application_name=two\\ words";
    const client = new Client({ ...target("direct.dev"), options });
    await client.connect();
    const { rows } = await client.query(
      "select pg_backend_pid() as pid, current_setting('work_mem') as memory, current_setting('application_name') as name",
    );
    expect(rows[0]).toMatchObject({ memory: "7MB", name: "two words" });
    await client.query("create temporary table mine (n int)");
    expect((await client.query("select pg_backend_pid() as pid from mine")).rows).toEqual([]);
    await client.end();
    const gone = async () =>
      (await postgres.query("select from pg_stat_activity where pid = $1", [rows[0].pid])).length;
    const deadline = performance.now() + 10_000;
    // oxlint-disable-next-line no-await-in-loop -- there is no event for a backend's end
    while ((await gone()) > 0) expect(performance.now()).toBeLessThan(deadline);
  });

  test("carries megabytes both ways, to a client that reads late", async () => {
    const client = new Client(target("direct.dev"));
    await client.connect();
    try {
      const word = "x".repeat(8_000_000);
      const { rows } = await client.query(
        "select $1::text as word, repeat('y', 8000000) as other",
        [word],
      );
      expect(rows[0].word === word).toBe(true);
      expect(rows[0].other).toHaveLength(8_000_000);
    } finally {
      await client.end();
    }
  });

  test("carries what a client asks for before it knows that it is in", async () => {
    using client = await RawClient.connect(pooler.portOf("native"));
    client.startup({ parameters: { user: "postgres.dev", database: "postgres" } });
    await client.prove({ password: postgres.password });
    client.query("select 'once'");
    await client.untilReady();
    expect((await client.untilReady()).map(([type]) => String.fromCharCode(type ?? 0))).toEqual([
      "T",
      "D",
      "C",
      "Z",
    ]);
    client.query("");
    expect(await client.untilReady()).toHaveLength(2);
  });

  test("carries what comes in one piece with the end of the login once", async () => {
    const messages = built((writer) => {
      writeAuthenticationOk(writer);
      writeReadyForQuery(writer, 0x49);
      writeCommandComplete(writer, "SELECT 1");
      writeReadyForQuery(writer, 0x49);
    });
    using server = new FakeServer({ first: messages, hangUp: true });
    await pooler.putTenant({ external_id: "eager", db_port: server.port });
    using client = await RawClient.connect(pooler.portOf("native"));
    client.startup({ parameters: { user: "direct.eager" } });
    expect(await client.rest()).toEqual(Buffer.from(messages));
  });

  test("carries logical replication", async () => {
    using client = await RawClient.connect(pooler.portOf("transaction"));
    const parameters = { user: "postgres.dev", database: "postgres", replication: "database" };
    client.startup({ parameters });
    await client.login({ password: postgres.password });
    client.query("IDENTIFY_SYSTEM");
    expect(await client.untilReady()).toHaveLength(4);
    client.query("CREATE_REPLICATION_SLOT through_the_pipe TEMPORARY LOGICAL pgoutput");
    await client.untilReady();
    client.query(
      "START_REPLICATION SLOT through_the_pipe LOGICAL 0/0 (proto_version '1', publication_names 'all_of_it')",
    );
    await client.until(BACKEND.CopyBothResponse);
    await postgres.query("insert into watched values (1, 'first-row'), (2, 'second-row')");
    let heard = "";
    while (!heard.includes("second-row"))
      // oxlint-disable-next-line no-await-in-loop -- message after message
      heard += Buffer.from(await client.until(BACKEND.CopyData)).toString("latin1");
    expect(heard).toContain("first-row");
  });

  test.skipIf(psqlPath() === null)("carries psql's replication (needs psql on PATH)", async () => {
    const { port, user, password } = pooler.target("session");
    const connection = `host=127.0.0.1 port=${port} user=${user} password=${password} dbname=postgres replication=database`;
    const answer = await runPsql(connection, "-c", "IDENTIFY_SYSTEM");
    expect(answer.stdout).toMatch(/^\d+\|1\|[0-9A-F/]+\|postgres$/);
  });
});

describe("TLS on both sides of a pipe", () => {
  const SSL = { rejectUnauthorized: false };

  test.each(["dev", "tls"])("lets in who binds to no channel, at tenant %s", async (tenant) => {
    expect(await currentUser({ ...target(`direct.${tenant}`), ssl: SSL })).toBe("direct");
  });

  describe.skipIf(psqlPath() === null)("with psql (needs psql on PATH)", () => {
    test("lets it in where only one side is encrypted", async () => {
      expect(await ask("dev", "sslmode=require")).toMatchObject({ stdout: "direct" });
      expect(await ask("tls", "sslmode=disable")).toMatchObject({ stdout: "direct" });
    });

    test("lets it in with channel_binding=disable", async () => {
      const answer = await ask("tls", "sslmode=require&channel_binding=disable");
      expect(answer).toMatchObject({ stdout: "direct", exitCode: 0 });
    });

    test("says so where it would bind to a channel that ends here", async () => {
      const { stderr, exitCode } = await ask("tls", "sslmode=require");
      expect(exitCode).toBe(2);
      expect(stderr).toContain("channel binding");
      expect(stderr).toContain("HINT:");
      expect(stderr).toContain("channel_binding=disable");
    });

    test("gives no such hint where another thing is wrong", async () => {
      const wrong = await ask("tls", "sslmode=disable", "a-guess");
      expect(wrong.stderr).toContain("password authentication failed");
      expect(wrong.stderr).not.toContain("HINT:");
    });
  });
});

describe("a pipe to a server that is no PostgreSQL", () => {
  const overlong = Uint8Array.of(0x52, 0x7f, 0xff, 0xff, 0xff);
  const truncated = Uint8Array.of(0x52, 0, 0, 0, 5, 0);
  const offer = built((writer) => writeAuthenticationSASL(writer, ["SCRAM-SHA-256-PLUS"]));

  test.each([
    ["says something else", { first: "220 hello\r\n" }],
    ["greets before it is asked", { greeting: "220 hello\r\n" }],
    ["sends a message that is too long", { first: overlong }],
    ["sends a message that is too short", { first: truncated }],
    ["sends a list without an end", { first: offer.slice(0, -1).with(4, offer.length - 2) }],
  ])("ends with an error where it %s", async (_what, script) => {
    using server = new FakeServer(script);
    const error = await errorAt(server.port);
    expect(error).toMatchObject({
      severity: "FATAL",
      sqlstate: "08006",
      hint: expect.stringContaining("db_port"),
    });
  });

  test("ends with an error where it hangs up without a word", async () => {
    using server = new FakeServer({ hangUp: true });
    expect(await errorAt(server.port)).toMatchObject({
      severity: "FATAL",
      sqlstate: "08006",
      message: "server closed the connection unexpectedly",
    });
  });

  test("ends with an error where nobody listens", async () => {
    const server = new FakeServer({});
    server[Symbol.dispose]();
    expect(await errorAt(server.port)).toMatchObject({
      sqlstate: "08006",
      message: "could not connect to the database server",
    });
  });
});

/** What psql prints, or says, as user `direct` of the tenant. */
function ask(tenant: string, query: string, password = PASSWORD) {
  const at = `127.0.0.1:${pooler.portOf("native")}/postgres`;
  const url = `postgres://direct.${tenant}:${password}@${at}?${query}`;
  return runPsql(url, "-c", "select current_user");
}

let tenants = 0;

/** What a native client is told by a tenant of its own whose server is at `port`. */
async function errorAt(port: number): Promise<ErrorFields> {
  tenants += 1;
  await pooler.putTenant({ external_id: `odd-${tenants}`, db_port: port });
  using client = await RawClient.connect(pooler.portOf("native"));
  client.startup({ parameters: { user: `direct.odd-${tenants}` } });
  return await client.error();
}

/**
 * TLS toward servers: who is believed, who is not, and what the latter get to hear.
 */

import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { writeAuthenticationCleartextPassword } from "../../../src/wire/backend/authentication-cleartext-password.ts";
import { writeAuthenticationMD5Password } from "../../../src/wire/backend/authentication-md5-password.ts";
import { writeAuthenticationOk } from "../../../src/wire/backend/authentication-ok.ts";
import { writeAuthenticationSASL } from "../../../src/wire/backend/authentication-sasl.ts";
import { writeReadyForQuery } from "../../../src/wire/backend/ready-for-query.ts";
import { writeSSLRequest } from "../../../src/wire/frontend/ssl-request.ts";
import { startPooler, type TestPooler } from "../../support/pooler.ts";
import { startPostgres, type TestPostgres } from "../../support/postgres.ts";
import { rejectionOf } from "../../support/rejection.ts";
import { TLS_FIXTURES } from "../../support/tls-fixtures.ts";
import { FakeServer, type FakeServerScript } from "./support/fake-server.ts";
import { LogKeeper } from "./support/log-keeper.ts";
import { built } from "./support/raw-client.ts";
import { currentUser } from "./support/sign-in.ts";

/** The database that may be reached without TLS. */
const IN_THE_CLEAR = "template1";

const CONNECT_TIMEOUT_MS = 1000;
const SSL_REQUEST = built(writeSSLRequest);

const TRUSTED = readFileSync(TLS_FIXTURES.ca, "utf8");
const UNTRUSTED = readFileSync(TLS_FIXTURES.otherCa, "utf8");

const log = new LogKeeper();
let postgres: TestPostgres;
let pooler: TestPooler;

beforeAll(async () => {
  const hba = ["hostssl all all all scram-sha-256", `host ${IN_THE_CLEAR} all all scram-sha-256`];
  postgres = await startPostgres({ tls: true, hba });
  pooler = await startPooler(postgres, {
    logger: log,
    config: { serverConnectTimeoutMs: CONNECT_TIMEOUT_MS, serverLoginRetryMs: 200 },
  });
});

afterAll(async () => {
  await pooler[Symbol.asyncDispose]();
  await postgres[Symbol.asyncDispose]();
  expect(log.text).not.toContain(postgres.password);
  expect(log.errors).toEqual([]);
});

let tenants = 0;

/** Logs in at a tenant of its own. */
async function login(
  fields: Readonly<Record<string, unknown>>,
  mode: "transaction" | "native" = "transaction",
): Promise<string> {
  tenants += 1;
  const external_id = `tenant-${tenants}`;
  await pooler.putTenant({ external_id, ...fields });
  return currentUser(pooler.target(mode, external_id));
}

function refusal(fields: Readonly<Record<string, unknown>>): Promise<unknown> {
  return rejectionOf(login(fields));
}

/** What a tenant's record says who wants TLS. */
function tls(verify: "none" | "peer" | "full", ca: string | null = null) {
  return { upstream_ssl: true, upstream_verify: verify, upstream_tls_ca: ca };
}

const AT_LOCALHOST = { db_host: "localhost", ip_version: "v4" };

describe("a server with a certificate of a trusted authority for its host name", () => {
  test.each([
    ["none", tls("none")],
    ["none, and another authority", tls("none", UNTRUSTED)],
    ["peer", tls("peer", TRUSTED)],
    ["full, by name", { ...tls("full", TRUSTED), ...AT_LOCALHOST }],
    ["full, by address", tls("full", TRUSTED)],
  ])("is believed with %s", async (_verify, fields) => {
    expect(await login(fields)).toBe("postgres");
  });

  test("is not reached without TLS where it wants TLS, which its own words say", async () => {
    expect(await refusal({ upstream_ssl: false })).toMatchObject({
      code: "28000",
      message: expect.stringContaining("no encryption"),
    });
  });

  test("reaches native clients through TLS as well", async () => {
    expect(await login(tls("peer", TRUSTED), "native")).toBe("postgres");
  });
});

describe("a server that is not who it should be", () => {
  test.each([
    ["of another authority, with peer", TLS_FIXTURES.server, tls("peer", UNTRUSTED), "authority"],
    ["of another authority, with full", TLS_FIXTURES.server, tls("full", UNTRUSTED), "authority"],
    ["for another host, with full", TLS_FIXTURES.wrongHost, tls("full", TRUSTED), "host name"],
  ])("hears nothing: its certificate is %s", async (_what, certificate, fields, word) => {
    using server = new FakeServer({ first: "S", certificate });
    const error = await refusal({ ...fields, ...AT_LOCALHOST, db_port: server.port });
    expect(error).toMatchObject({
      code: "08006",
      message: "the database server's TLS certificate was refused",
      detail: expect.stringContaining(word),
      hint: expect.stringContaining("upstream_verify"),
    });
    expect(Buffer.concat(server.inTheClear)).toEqual(Buffer.from(SSL_REQUEST));
    expect(server.insideTls).toEqual([]);
    expect(JSON.stringify(error)).not.toContain("localhost");
  });

  test("is believed for another host with peer, which looks at the chain only", async () => {
    const certificate = TLS_FIXTURES.wrongHost;
    await using elsewhere = await startPostgres({ tls: certificate });
    const fields = { ...tls("peer", TRUSTED), ...AT_LOCALHOST, db_port: elsewhere.port };
    expect(await login(fields)).toBe("postgres");
  });

  test.each<[string, FakeServerScript, string]>([
    ["declines TLS", { first: "N" }, "server does not support SSL, but SSL was required"],
    ["answers with an error", { first: "E" }, "received invalid response to SSL negotiation"],
    ["says more than it may", { first: "SR" }, "received invalid response to SSL negotiation"],
    ["is no PostgreSQL", { greeting: "220 hello\r\n" }, "received invalid response to SSL"],
  ])("hears nothing where it %s", async (_what, script, message) => {
    using server = new FakeServer(script);
    expect(await refusal({ ...tls("none"), db_port: server.port })).toMatchObject({
      code: expect.stringMatching(/^08/),
      message: expect.stringContaining(message),
      hint: expect.any(String),
    });
    expect(new Set(server.inTheClear.map(String))).toEqual(new Set([String(SSL_REQUEST)]));
  });

  test.each(["transaction", "native"] as const)(
    "that never answers is given up in time, and hung up on, in %s mode",
    async (mode) => {
      using server = new FakeServer({});
      const error = await rejectionOf(login({ ...tls("none"), db_port: server.port }, mode));
      expect(error).toMatchObject({ code: expect.stringMatching(/^08/) });
      expect(server.connections).toBeGreaterThan(0);
      const deadline = performance.now() + 5000;
      // oxlint-disable-next-line no-await-in-loop -- there is no event for what the other side closes
      while (server.open > 0 && performance.now() < deadline) await Bun.sleep(5);
      expect(server.open).toBe(0);
    },
  );
});

describe("a server that asks for too much", () => {
  const cleartext = built(writeAuthenticationCleartextPassword);
  const md5 = built((writer) => writeAuthenticationMD5Password(writer, new Uint8Array(4)));
  const letIn = built((writer) => {
    writeAuthenticationOk(writer);
    writeReadyForQuery(writer, 0x49);
  });

  test("gets no password in clear text outside of TLS", async () => {
    using server = new FakeServer({ first: cleartext, answers: [letIn] });
    expect(await refusal({ db_port: server.port })).toMatchObject({ code: "28000" });
    expect(server.heard).toContain("user\0postgres");
    expect(server.heard).not.toContain(postgres.password);
  });

  test("gets no password in clear text that is known by its verifier only", async () => {
    const sql = "select rolpassword from pg_authid where rolname = $1";
    const [row] = await postgres.query(sql, ["postgres"], { database: IN_THE_CLEAR });
    const users = [{ db_user: "postgres", db_password: row?.["rolpassword"] }];
    const certificate = TLS_FIXTURES.server;
    using server = new FakeServer({ first: "S", certificate, answers: [cleartext, letIn] });
    const fields = { ...tls("none"), db_port: server.port, users };
    expect(await refusal(fields)).toMatchObject({
      code: "28000",
      message: "no usable password for the server is known",
    });
    using other = new FakeServer({ first: "S", certificate, answers: [md5, letIn] });
    expect(await refusal({ ...fields, db_port: other.port })).toMatchObject({ code: "28000" });
    expect(server.heard + other.heard).not.toMatch(/md5|SCRAM|postgres-password/);
  });

  test("is bound to its certificate by SCRAM-SHA-256-PLUS where it offers that", async () => {
    const offer = built((writer) =>
      writeAuthenticationSASL(writer, ["SCRAM-SHA-256-PLUS", "SCRAM-SHA-256"]),
    );
    const certificate = TLS_FIXTURES.server;
    using server = new FakeServer({ first: "S", certificate, answers: [offer, letIn] });
    expect(await refusal({ ...tls("none"), db_port: server.port })).toMatchObject({
      code: "08006",
      message: "the server broke the protocol while it was connected to",
    });
    expect(server.heard).toContain("SCRAM-SHA-256-PLUS\0");
    expect(server.heard).toContain("p=tls-server-end-point");
  });

  test("that lets in without proving that it knows the password is not believed", async () => {
    const offer = built((writer) => writeAuthenticationSASL(writer, ["SCRAM-SHA-256"]));
    using server = new FakeServer({ first: offer, answers: [letIn] });
    expect(await refusal({ db_port: server.port })).toMatchObject({
      code: "08006",
      message: "the server broke the protocol while it was connected to",
    });
  });
});

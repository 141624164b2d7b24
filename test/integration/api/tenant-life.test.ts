/**
 * A tenant's life, told to a running program by a client that is made of the API's own document.
 */

import { afterAll, beforeAll, expect, test } from "bun:test";
import { Client } from "pg";
import { eventually } from "../../support/eventually.ts";
import { startPostgres, type TestPostgres } from "../../support/postgres.ts";
import { rejectionOf } from "../../support/rejection.ts";
import { RunningProgram, runProgram } from "../../support/running-program.ts";
import { makeTemporaryFolder, type TemporaryFolder } from "../../support/temporary-folder.ts";
import { OpenApiClient } from "./openapi-client.ts";

const KEY = { API_JWT_SECRET: "the key of all tokens of this test, of 32 bytes" };
const PASSWORD = "first-of-two-passwords";
const NEXT_PASSWORD = "second-of-two-passwords";
const ROLE = "app";

let postgres: TestPostgres;
let folder: TemporaryFolder;
let program: RunningProgram;
let ports: { readonly http: number; readonly transaction: number };

beforeAll(async () => {
  postgres = await startPostgres();
  await postgres.query(`create role ${ROLE} login password '${PASSWORD}'`);
  folder = await makeTemporaryFolder();
  program = new RunningProgram(["start"], folder.path, KEY);
  const log = await program.until("carpool is ready");
  ports = JSON.parse(log.split("\n").find((line) => line.includes("carpool is ready")) ?? "{}");
});
afterAll(async () => {
  await program[Symbol.asyncDispose]();
  await folder.remove();
  await postgres[Symbol.asyncDispose]();
});

async function token(...args: string[]): Promise<string> {
  const { out } = await runProgram(["token", ...args], folder.path, KEY);
  return out.trim();
}

const api = async () =>
  OpenApiClient.open(`http://127.0.0.1:${ports.http}`, await token("--subject=platform"));

async function query(sql: string, password = PASSWORD): Promise<unknown[]> {
  const client = new Client({
    host: "127.0.0.1",
    port: ports.transaction,
    user: `${ROLE}.acme`,
    password,
    database: "postgres",
  });
  client.on("error", () => undefined); // the connection may be ended, and its query says so
  await client.connect();
  try {
    return (await client.query(sql)).rows;
  } finally {
    await client.end();
  }
}

const path = { id: "acme" };

test("a tenant is made, used, changed, banned and deleted by the API alone", async () => {
  const client = await api();
  const tenant = {
    db_host: "127.0.0.1",
    db_port: postgres.port,
    db_database: "postgres",
    users: [{ db_user: ROLE, db_password: PASSWORD }],
  };
  expect((await client.call("getTenant", { path })).status).toBe(404);
  expect((await client.call("putTenant", { path, body: { tenant } })).status).toBe(201);
  expect(await query("select 1 as one")).toEqual([{ one: 1 }]);

  expect((await client.call("putTenant", { path, body: { tenant } })).status).toBe(200);
  const larger = { tenant: { default_pool_size: 40 } };
  expect((await client.call("putTenant", { path, body: larger })).json).toMatchObject({
    data: { default_pool_size: 40, db_port: postgres.port },
  });
  const listed = await client.call("listTenants", { query: { search: "CM", limit: "5" } });
  expect(listed.json).toMatchObject({ data: [{ external_id: "acme" }], next: null });

  await eventually(async () =>
    expect((await client.call("getTenantState", { path })).json).toMatchObject({
      data: { servers: 1, servers_idle: 1, pools: [{ user: ROLE, mode: "transaction", size: 40 }] },
    }),
  );
  expect((await client.call("pauseTenant", { path, body: { timeout: 5000 } })).json).toEqual({
    data: { paused: true, servers: 0 },
  });
  const waiting = query("select 4 as four");
  await eventually(async () =>
    expect((await client.call("getTenantState", { path })).json).toMatchObject({
      data: { paused: true, clients_waiting: 1, servers: 0 },
    }),
  );
  expect((await client.call("resumeTenant", { path })).status).toBe(204);
  expect(await waiting).toEqual([{ four: 4 }]);
  expect((await client.call("terminateTenant", { path })).json).toMatchObject({ servers: 1 });

  const ban = { banned: true, ban_reason: "unpaid" };
  expect((await client.call("banTenant", { path, body: ban })).status).toBe(200);
  const banned = await client.call("listTenants", { query: { banned: "true" } });
  expect(banned.json).toMatchObject({ data: [{ external_id: "acme", ban_reason: "unpaid" }] });
  const others = await client.call("listTenants", { query: { banned: "false" } });
  expect(others.json).toEqual({ data: [], next: null });
  await eventually(async () => {
    expect(await rejectionOf(query("select 1"))).toMatchObject({
      message: expect.stringContaining("unpaid"),
    });
  });
  expect((await client.call("banTenant", { path, body: { banned: false } })).status).toBe(200);
  await eventually(async () => expect(await query("select 2 as two")).toEqual([{ two: 2 }]));

  await postgres.query(`alter role ${ROLE} password '${NEXT_PASSWORD}'`);
  const credentials = { db_user: ROLE, db_password: NEXT_PASSWORD, grace_period: 0 };
  const rotated = await client.call("updateCredentials", { path, body: credentials });
  expect(rotated.status).toBe(204);
  // Asked with the password before, which is wrong once: more failures would ban this address.
  await eventually(async () => {
    expect(await rejectionOf(query("select 1"))).toMatchObject({ code: "28P01" });
  });
  expect(await query("select 3 as three", NEXT_PASSWORD)).toEqual([{ three: 3 }]);

  expect((await client.call("deleteTenant", { path })).status).toBe(204);
  await eventually(async () => {
    expect(await rejectionOf(query("select 1", NEXT_PASSWORD))).toBeInstanceOf(Error);
  });
  expect((await client.call("getTenant", { path })).status).toBe(404);
}, 30_000);

test("each change has left a line: who, from where, what; and no password", async () => {
  await program.until("tenant.delete acme by platform");
  const audited = program.out
    .split("\n")
    .filter((line) => line.includes('"audit"'))
    .map((line): Record<string, unknown> => JSON.parse(line));
  expect(audited.map(({ audit }) => audit)).toEqual([
    "tenant.create",
    "tenant.update",
    "tenant.pause",
    "tenant.resume",
    "tenant.terminate",
    "tenant.update",
    "tenant.update",
    "tenant.update",
    "tenant.delete",
  ]);
  for (const line of audited)
    expect(line).toMatchObject({ subject: "acme", actor: "platform", address: "127.0.0.1" });
  expect(program.out).not.toContain(PASSWORD);
  expect(program.out).not.toContain(NEXT_PASSWORD);
});

test("nobody gets in without a token, or with one of another key", async () => {
  const url = `http://127.0.0.1:${ports.http}`;
  expect((await fetch(`${url}/api/tenants`)).status).toBe(401);
  const other = await runProgram(["token"], folder.path, { API_JWT_SECRET: "k".repeat(40) });
  const stranger = await OpenApiClient.open(url, other.out.trim());
  expect((await stranger.call("deleteTenant", { path })).status).toBe(401);
});

/**
 * Bans and allow lists of a tenant, as its clients meet them.
 */

import { afterAll, beforeAll, expect, test } from "bun:test";
import { Client } from "pg";
import { startPooler, type TestPooler } from "../support/pooler.ts";
import { startPostgres, type TestPostgres } from "../support/postgres.ts";
import { rejectionOf } from "../support/rejection.ts";

let postgres: TestPostgres;
let pooler: TestPooler;

beforeAll(async () => {
  postgres = await startPostgres();
  pooler = await startPooler(postgres);
});

afterAll(async () => {
  await pooler[Symbol.asyncDispose]();
  await postgres[Symbol.asyncDispose]();
});

async function connectTo(tenant: string): Promise<void> {
  const client = new Client(pooler.target("transaction", tenant));
  await client.connect();
  await client.end();
}

test("refuses an address that is not in the allow list, and names it", async () => {
  await pooler.putTenant({ external_id: "elsewhere", allow_list: ["10.0.0.0/8"] });
  expect(await rejectionOf(connectTo("elsewhere"))).toMatchObject({
    code: "28000",
    message: "address 127.0.0.1 is not in the allow list of this tenant",
  });
});

test("takes a client whose address is in the allow list", async () => {
  await pooler.putTenant({ external_id: "here", allow_list: ["10.0.0.0/8", "127.0.0.0/8"] });
  await connectTo("here");
});

test("refuses the clients of a banned tenant, and says why", async () => {
  await pooler.putTenant({
    external_id: "banned",
    banned_at: "2026-01-01T00:00:00Z",
    ban_reason: "unpaid",
  });
  expect(await rejectionOf(connectTo("banned"))).toMatchObject({
    code: "28000",
    message: "this tenant is banned: unpaid",
  });
});

test("takes the clients of a tenant whose ban is over", async () => {
  await pooler.putTenant({
    external_id: "forgiven",
    banned_at: "2026-01-01T00:00:00Z",
    banned_until: "2026-01-02T00:00:00Z",
    ban_reason: "unpaid",
  });
  await connectTo("forgiven");
});

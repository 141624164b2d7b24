/**
 * Logins while the metadata database is stopped, or hangs.
 */

import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from "bun:test";
import { Client } from "pg";
import { SystemRandom } from "../../../src/app/system/system-random.ts";
import {
  MetadataDatabaseError,
  openPostgresTenantStore,
} from "../../../src/tenants/postgres-tenant-store.ts";
import { SecretBox } from "../../../src/tenants/secret-box.ts";
import type { TenantStore } from "../../../src/tenants/tenant-store.ts";
import { eventually } from "../../support/eventually.ts";
import { FreezingNetwork } from "../../support/freezing-network.ts";
import { putTenantInto, startPooler, type TestPooler } from "../../support/pooler.ts";
import { startPostgres, type TestPostgres } from "../../support/postgres.ts";
import { rejectionOf } from "../../support/rejection.ts";
import { everyWorker, testOneWorker } from "../../support/workers.ts";

const KEY = "a key of Carpool, of 32 bytes...";
/** Many times what a login takes, and far less than any wait for the database would be. */
const SOON_MS = 3000;
/** A place in the line for a connection, then an answer: what the store's own limits add up to, and some more. */
const PATIENCE_MS = 15_000;
/** More than there are connections to the metadata database. */
const CROWD = 30;

let postgres: TestPostgres;
let metadata: TestPostgres;
let network: FreezingNetwork;
let pooler: TestPooler;
let url: string;
let databases = 0;

beforeAll(async () => {
  postgres = await startPostgres();
  metadata = await startPostgres();
});
afterAll(async () => {
  await postgres.stop();
  await metadata.stop();
});

beforeEach(async () => {
  databases += 1;
  const database = `metadata_${databases}`;
  await metadata.query(`create database ${database}`);
  network = await FreezingNetwork.open(metadata.port);
  url = metadata.connectionString({ database }).replace(`:${metadata.port}/`, `:${network.port}/`);
  // Before there is a pooler: what changes while it runs, it looks up.
  const before = await openAnother();
  await putTenantInto(before, postgres, { external_id: "late" });
  await before.close();
  pooler = await startPooler(postgres, { env: { DATABASE_URL: url, VAULT_ENC_KEY: KEY } });
  await logInEverywhere("dev");
});
afterEach(async () => {
  network.thaw();
  await pooler[Symbol.asyncDispose]();
  await network[Symbol.asyncDispose]();
});

async function logIn(tenant: string, through = pooler): Promise<void> {
  const client = new Client(through.target("transaction", tenant));
  client.on("error", () => {}); // told by the query, too
  await client.connect();
  try {
    await client.query("select 1");
  } finally {
    await client.end();
  }
}

/** Each worker knows the tenant from then on. */
async function logInEverywhere(tenant: string): Promise<void> {
  await Promise.all(everyWorker(() => logIn(tenant)));
}

function openAnother(): Promise<TenantStore> {
  const random = new SystemRandom();
  return openPostgresTenantStore({
    url,
    connectionsMax: 1,
    secretBox: new SecretBox(Buffer.from(KEY), random),
    random,
    wallClock: { iso: () => new Date().toISOString() },
  });
}

async function expectRefusedForNow(tenant: string, through = pooler): Promise<void> {
  expect(await rejectionOf(logIn(tenant, through))).toMatchObject({
    code: "57P03",
    message: "the tenant cannot be looked up at this moment",
  });
}

/** Another node deletes a tenant, and this one hears of it. */
async function expectToHearOfChanges(): Promise<void> {
  const another = await openAnother();
  await another.write([{ kind: "delete", externalId: "dev" }]);
  await another.close();
  await eventually(async () => {
    expect(await rejectionOf(logIn("dev"))).toMatchObject({ code: "28P01" });
  });
}

async function expectWithin(limitMs: number, act: () => Promise<unknown>): Promise<void> {
  const begin = performance.now();
  await act();
  expect(performance.now() - begin).toBeLessThan(limitMs);
}

test("whom it knows logs in while the database is stopped, others are asked to try again, and all is well by itself when it is back", async () => {
  await metadata.shutDown();
  try {
    await expectWithin(SOON_MS, () => Promise.all(Array.from({ length: 10 }, () => logIn("dev"))));
    await expectWithin(SOON_MS, () => expectRefusedForNow("late"));
    await expectWithin(SOON_MS, () => expectRefusedForNow("nobody"));
    expect(await rejectionOf(openAnother())).toBeInstanceOf(MetadataDatabaseError);
  } finally {
    await metadata.start();
  }
  await eventually(() => logIn("late"));
  await expectToHearOfChanges();
});

const PER_WORKER = "which tenants a worker has looked up last is its own affair";

testOneWorker(
  "it knows as many as TENANT_CACHE_SIZE says, and of those the ones that came last",
  PER_WORKER,
  async () => {
    const env = { DATABASE_URL: url, VAULT_ENC_KEY: KEY, TENANT_CACHE_SIZE: "1" };
    await using small = await startPooler(postgres, { env });
    await logIn("dev", small);
    await logIn("late", small);
    await metadata.shutDown();
    try {
      await logIn("late", small);
      await expectRefusedForNow("dev", small);
    } finally {
      await metadata.start();
    }
  },
);

test("whom it knows logs in while the database hangs, and nobody else waits for ever", async () => {
  network.freeze();
  const strangers = Promise.all(
    Array.from({ length: CROWD }, (_, index) =>
      expectRefusedForNow(index === 0 ? "late" : `stranger${index}`),
    ),
  );
  const start = rejectionOf(openAnother());
  await expectWithin(SOON_MS, () => Promise.all(Array.from({ length: 10 }, () => logIn("dev"))));
  await expectWithin(PATIENCE_MS, () => strangers);
  expect(await start).toBeInstanceOf(MetadataDatabaseError);
  await expectWithin(SOON_MS, () => logIn("dev"));
  network.thaw();
  await eventually(() => logIn("late"));
  await expectToHearOfChanges();
}, 60_000);

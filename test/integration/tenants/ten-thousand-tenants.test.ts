/**
 * Ten thousand tenants come, work, are changed and go, while a hundred clients of others query: not one
 * of those has an error or somebody else's answer.
 */

import { afterAll, beforeAll, expect } from "bun:test";
import { Client } from "pg";
import { TenantControl } from "../../../src/control/tenant-control.ts";
import { eventually } from "../../support/eventually.ts";
import { startPooler, type TestPooler } from "../../support/pooler.ts";
import { startPostgres, type TestPostgres } from "../../support/postgres.ts";
import { testOneWorker } from "../../support/workers.ts";

const TENANTS = 10_000;
/** Tenants that come and go at the same time. */
const LANES = 24;
const BYSTANDERS = 100;
const THINK_MS = 100;
const BYSTANDER_TENANTS = 10;
const ACTOR = { name: "test", address: null };
const PASSWORD = "correct horse";

let postgres: TestPostgres;
let pooler: TestPooler;
let control: TenantControl;
let verifier: string;

beforeAll(async () => {
  postgres = await startPostgres({ settings: { max_connections: "200", scram_iterations: "1" } });
  // One iteration: what is tried here is not how fast passwords are hashed.
  await postgres.query(`create role app login password '${PASSWORD}'`);
  const [row] = await postgres.query("select rolpassword from pg_authid where rolname = 'app'");
  verifier = String(row?.["rolpassword"]);
  pooler = await startPooler(postgres);
  control = new TenantControl({
    store: pooler.store,
    audit: { write() {} },
    wallClock: { iso: () => new Date().toISOString() },
    context: { globalUpstreamCa: false },
  });
});
afterAll(async () => {
  await pooler?.[Symbol.asyncDispose]();
  await postgres?.stop();
});

function fields(more: object = {}): object {
  return {
    db_host: "127.0.0.1",
    db_port: postgres.port,
    db_database: "postgres",
    default_pool_size: 2,
    users: [{ db_user: "app", db_password: verifier }],
    ...more,
  };
}

async function login(tenant: string): Promise<Client> {
  const client = new Client({
    ...pooler.target("transaction", tenant),
    user: `app.${tenant}`,
    password: PASSWORD,
    application_name: tenant,
  });
  client.on("error", () => {
    // A deleted tenant's clients are told why and closed: the queries say so too.
  });
  await client.connect();
  return client;
}

/** A tenant from its creation to its end. */
async function live(tenant: string): Promise<void> {
  expect((await control.put(ACTOR, tenant, fields())).outcome).toBe("created");
  const client = await login(tenant);
  const ask = async (): Promise<string> =>
    (await client.query("select current_setting('application_name') as name")).rows[0].name;
  expect(await ask()).toBe(tenant);
  const change = { default_pool_size: 3, default_max_clients: 7 };
  expect((await control.put(ACTOR, tenant, change)).outcome).toBe("updated");
  expect(await ask()).toBe(tenant);
  await control.delete(ACTOR, tenant);
  await client.end();
}

/** Queries until it is told to stop; returns how many answers it got, all of them its own. */
async function bystand(index: number, stopped: () => boolean): Promise<number> {
  const client = await login(`steady${index % BYSTANDER_TENANTS}`);
  let answers = 0;
  while (!stopped()) {
    // oxlint-disable-next-line no-await-in-loop -- one after the other, as a client does
    const { rows } = await client.query("select $1::int as mine", [index * 1_000_000 + answers]);
    expect(rows[0].mine).toBe(index * 1_000_000 + answers);
    answers += 1;
    // oxlint-disable-next-line no-await-in-loop -- a client thinks before it asks again
    await Bun.sleep(THINK_MS);
  }
  await client.end();
  return answers;
}

testOneWorker(
  "10 000 tenants are made, used, changed and deleted, and 100 clients notice nothing",
  "it takes two minutes, and what it shows is true of each worker",
  async () => {
    for (let index = 0; index < BYSTANDER_TENANTS; index += 1)
      // oxlint-disable-next-line no-await-in-loop -- ten
      await control.put(ACTOR, `steady${index}`, fields());
    let over = false;
    const bystanders = Array.from({ length: BYSTANDERS }, (_, index) => bystand(index, () => over));
    let next = 0;
    const lane = async (): Promise<void> => {
      while (next < TENANTS) {
        const name = `t${next}`;
        next += 1;
        // oxlint-disable-next-line no-await-in-loop -- a lane is a queue
        await live(name);
      }
    };
    try {
      await Promise.all(Array.from({ length: LANES }, lane));
    } finally {
      over = true;
    }
    const answers = await Promise.all(bystanders);
    expect(Math.min(...answers)).toBeGreaterThan(0);
    expect(pooler.pooler.counters.desyncTotal).toBe(0);
    expect(pooler.pooler.counters.internalErrorsTotal).toBe(0);
    const left = await control.list({ after: null, limit: 100 });
    expect(left.tenants.map((tenant) => tenant.external_id)).toHaveLength(BYSTANDER_TENANTS + 1);
    await eventually(() => expect(pooler.pooler.tenantsInUse).toBeLessThanOrEqual(11));
  },
  { timeout: 300_000 },
);

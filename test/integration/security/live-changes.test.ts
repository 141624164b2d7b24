/**
 * A tenant's record changes while its clients are connected: what is new holds for the next login or
 * transaction, and nobody is disconnected.
 */

import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { Client } from "pg";
import { startPooler, type TestPooler } from "../../support/pooler.ts";
import { startPostgres, type TestPostgres } from "../../support/postgres.ts";
import { rejectionOf } from "../../support/rejection.ts";
import { everyWorker } from "../../support/workers.ts";
import { LogKeeper } from "./support/log-keeper.ts";
import { RawClient } from "./support/raw-client.ts";
import { currentUser } from "./support/sign-in.ts";

/** A change is to be seen by all within this time. */
const SEEN_WITHIN_MS = 1000;

const log = new LogKeeper();
let postgres: TestPostgres;
let pooler: TestPooler;

beforeAll(async () => {
  postgres = await startPostgres();
  pooler = await startPooler(postgres, { logger: log });
});

afterAll(async () => {
  await pooler[Symbol.asyncDispose]();
  await postgres[Symbol.asyncDispose]();
  expect(log.text).not.toContain("password-of-");
  expect(log.errors).toEqual([]);
});

let tenants = 0;

/** A tenant of its own, whose role has its name, and the ways to change it. */
class Case {
  readonly name: string;

  constructor() {
    tenants += 1;
    this.name = `changing_${tenants}`;
  }

  /** The role's password in PostgreSQL, and with it its verifier. */
  async setPassword(password: string): Promise<string> {
    const exists = await postgres.query("select from pg_roles where rolname = $1", [this.name]);
    const verb = exists.length === 0 ? "create" : "alter";
    await postgres.query(`${verb} role ${this.name} login password '${password}'`);
    const sql = "select rolpassword from pg_authid where rolname = $1";
    const [row] = await postgres.query(sql, [this.name]);
    return String(row?.["rolpassword"]);
  }

  /** The tenant's record. */
  put(secret: string, fields: Readonly<Record<string, unknown>> = {}): Promise<void> {
    const users = [{ db_user: this.name, db_password: secret }];
    return pooler.putTenant({ external_id: this.name, users, default_pool_size: 2, ...fields });
  }

  target(password: string, mode: "transaction" | "session" = "transaction") {
    const user = `${this.name}.${this.name}`;
    return { host: "127.0.0.1", port: pooler.portOf(mode), user, password, database: "postgres" };
  }

  async connect(password: string, mode: "transaction" | "session" = "transaction") {
    const client = new Client(this.target(password, mode));
    await client.connect();
    return client;
  }

  /** Whether a login with this password succeeds. */
  async lets(password: string): Promise<boolean> {
    try {
      return (await currentUser(this.target(password))) === this.name;
    } catch {
      return false;
    }
  }

  /** How many servers there are. */
  async servers(): Promise<number> {
    const sql = "select count(*)::int as n from pg_stat_activity where usename = $1";
    const [row] = await postgres.query(sql, [this.name]);
    return Number(row?.["n"]);
  }
}

/** Waits until `holds` does, for `withinMs` at most. */
async function until(holds: () => Promise<boolean>, withinMs = SEEN_WITHIN_MS): Promise<void> {
  const deadline = performance.now() + withinMs;
  // oxlint-disable-next-line no-await-in-loop -- there is no event for what others have heard of
  while (!(await holds())) expect(performance.now()).toBeLessThan(deadline);
}

/** The most servers that there are, at twenty looks. */
async function most(tenant: Case): Promise<number> {
  const looks: number[] = [];
  // oxlint-disable-next-line no-await-in-loop -- one look after the other
  for (let look = 0; look < 20; look += 1) looks.push(await tenant.servers());
  return Math.max(...looks);
}

/** Runs one short transaction after the other while `busy` is. */
async function keepBusy(client: Client, busy: { readonly working: boolean }): Promise<void> {
  while (busy.working) {
    // oxlint-disable-next-line no-await-in-loop -- one after the other
    await client.query("begin; select pg_sleep(0.002); commit");
  }
}

async function portOf(client: Client): Promise<number> {
  const { rows } = await client.query("select inet_server_port() as port");
  return rows[0].port;
}

describe("a new password", () => {
  test.each([
    ["in clear text", (password: string, _verifier: string) => password],
    ["as a verifier", (_password: string, verifier: string) => verifier],
  ])("holds for new logins within a second, and disturbs nobody: %s", async (_how, stored) => {
    const tenant = new Case();
    const [old, young] = ["password-of-old", "password-of-young"] as const;
    await tenant.put(stored(old, await tenant.setPassword(old)));
    const client = await tenant.connect(old);
    const inTransaction = await tenant.connect(old);
    try {
      await inTransaction.query("begin; create temporary table mine (n int) on commit drop");
      await client.query("select 1");
      await tenant.put(stored(young, await tenant.setPassword(young)));
      await until(() => tenant.lets(young));
      expect(await tenant.lets(old)).toBe(false);
      expect((await client.query("select 1 as one")).rows).toEqual([{ one: 1 }]);
      expect((await inTransaction.query("select from mine")).rowCount).toBe(0);
      await inTransaction.query("commit");
      const clients = [client, inTransaction];
      await Promise.all(clients.map((each) => each.query("begin")));
      await Promise.all(clients.map((each) => each.query("commit")));
    } finally {
      await Promise.all([client.end(), inTransaction.end()]);
    }
  });

  test("is not undone by a login that began before it", async () => {
    const tenant = new Case();
    const [old, young] = ["password-of-late", "password-of-early"] as const;
    await tenant.put(await tenant.setPassword(old));
    const client = await tenant.connect(old);
    using late = await RawClient.connect(pooler.portOf("transaction"));
    late.startup({
      parameters: { user: `${tenant.name}.${tenant.name}`, database: "postgres" },
    });
    const prove = await late.challenged();
    try {
      await tenant.put(await tenant.setPassword(young));
      await until(async () => !(await tenant.lets(old)));
      prove(old);
      expect(await late.error()).toMatchObject({ sqlstate: "28P01", severity: "FATAL" });
      expect(await tenant.lets(young)).toBe(true);
      expect((await client.query("select 1 as one")).rows).toEqual([{ one: 1 }]);
    } finally {
      await client.end();
    }
  });
});

describe("a new pool_size", () => {
  test("holds at once: never one server more than the larger of the two", async () => {
    const tenant = new Case();
    const secret = "password-of-sizes";
    await tenant.put(secret, { default_pool_size: 1 });
    await tenant.setPassword(secret);
    const clients = await Promise.all(Array.from({ length: 6 }, () => tenant.connect(secret)));
    const busy = { working: true };
    const work = Promise.all(clients.map((client) => keepBusy(client, busy)));
    try {
      await until(async () => (await tenant.servers()) === 1);
      await tenant.put(secret, { default_pool_size: 3 });
      await until(async () => (await most(tenant)) === 3);
      await tenant.put(secret, { default_pool_size: 2 });
      await until(async () => (await tenant.servers()) === 2);
      expect(await most(tenant)).toBe(2);
      await tenant.put(secret, { default_pool_size: 1 });
      await until(async () => (await tenant.servers()) === 1);
      expect(await most(tenant)).toBe(1);
    } finally {
      busy.working = false;
      await work;
      await Promise.all(clients.map((client) => client.end()));
    }
  });
});

describe("a new db_port", () => {
  test("is where the next transaction goes, and running ones end where they began", async () => {
    await using elsewhere = await startPostgres();
    const tenant = new Case();
    const secret = "password-of-movers";
    await tenant.setPassword(secret);
    await elsewhere.query(`create role ${tenant.name} login password '${secret}'`);
    await tenant.put(secret);
    const client = await tenant.connect(secret);
    const inTransaction = await tenant.connect(secret);
    const inSession = await tenant.connect(secret, "session");
    try {
      await client.query({ name: "where", text: "select inet_server_port() as port" });
      await inTransaction.query("begin");
      expect(await portOf(inTransaction)).toBe(postgres.port);
      expect(await portOf(inSession)).toBe(postgres.port);
      await tenant.put(secret, { db_port: elsewhere.port });
      await until(async () => (await portOf(client)) === elsewhere.port);
      const { rows } = await client.query({
        name: "where",
        text: "select inet_server_port() as port",
      });
      expect(rows).toEqual([{ port: elsewhere.port }]);
      expect(await portOf(inTransaction)).toBe(postgres.port);
      await inTransaction.query("commit");
      expect(await portOf(inTransaction)).toBe(elsewhere.port);
      expect(await portOf(inSession)).toBe(postgres.port);
      const afterwards = await tenant.connect(secret, "session");
      expect(await portOf(afterwards)).toBe(elsewhere.port);
      await afterwards.end();
    } finally {
      await Promise.all([client.end(), inTransaction.end(), inSession.end()]);
    }
  });

  test("that leads nowhere is told to who asks, until it is put right", async () => {
    await using gone = await startPostgres();
    const { port } = gone;
    await gone.shutDown();
    const tenant = new Case();
    const secret = "password-of-lost";
    await tenant.setPassword(secret);
    await tenant.put(secret);
    const client = await tenant.connect(secret);
    try {
      await client.query("select 1");
      const users = [{ db_user: tenant.name, db_password: secret, pool_checkout_timeout: 200 }];
      await tenant.put(secret, { db_port: port, users });
      await until(async () => {
        const outcome = await client.query("select 1").then(String, (error: unknown) => error);
        return outcome instanceof Error;
      });
      await tenant.put(secret);
      await until(async () => {
        const outcome = await client.query("select 1").then(String, (error: unknown) => error);
        return !(outcome instanceof Error);
      }, 5000);
      expect(await portOf(client)).toBe(postgres.port);
    } finally {
      await client.end();
    }
  });
});

describe("a tenant that is taken away", () => {
  test("lets nobody in any more, in the words of one that never was", async () => {
    const tenant = new Case();
    const secret = "password-of-gone";
    await tenant.setPassword(secret);
    await tenant.put(secret);
    expect(await tenant.lets(secret)).toBe(true);
    await pooler.store.write([{ kind: "delete", externalId: tenant.name }]);
    await until(async () => {
      const outcomes = await Promise.all(everyWorker(() => tenant.lets(secret)));
      return !outcomes.includes(true);
    });
    expect(await rejectionOf(currentUser(tenant.target(secret)))).toMatchObject({ code: "28P01" });
  });
});

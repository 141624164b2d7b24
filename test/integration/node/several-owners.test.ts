/**
 * Limits of clients of a tenant that three workers own together: they are those of the tenant, not of a worker.
 */

import { afterAll, afterEach, beforeAll, describe, expect, test } from "bun:test";
import type { PortMode } from "../../../src/net/channel-opening.ts";
import { eventually } from "../../support/eventually.ts";
import { query } from "../../support/frontend-messages.ts";
import { startPooler, type TestPooler } from "../../support/pooler.ts";
import { startPostgres, type TestPostgres } from "../../support/postgres.ts";
import { RawClient } from "../../support/raw-client.ts";

const WORKERS = 3;
const MODES: readonly PortMode[] = ["transaction", "session", "native"];

let postgres: TestPostgres;
let pooler: TestPooler;
const clients: RawClient[] = [];

beforeAll(async () => {
  postgres = await startPostgres();
  await postgres.query("create role other login password 'other'");
});
afterAll(async () => {
  await postgres[Symbol.asyncDispose]();
});
afterEach(async () => {
  await leave();
  await pooler[Symbol.asyncDispose]();
});

function fields(tenant: Readonly<Record<string, unknown>>) {
  const users = [
    { db_user: "postgres", db_password: postgres.password },
    { db_user: "other", db_password: "other", max_clients: 2 },
  ];
  return { owners: WORKERS, default_pool_size: 12, users, ...tenant };
}

async function start(tenant: Readonly<Record<string, unknown>>): Promise<void> {
  pooler = await startPooler(postgres, { workers: WORKERS, tenant: fields(tenant) });
}

/** Logs in and stays; returns "in", or what it is told. */
async function logIn(mode: PortMode, user = "postgres", database = "postgres"): Promise<string> {
  const password = user === "postgres" ? postgres.password : "other";
  try {
    const target = { ...pooler.target(mode), user: `${user}.dev`, password, database };
    clients.push(await RawClient.connect(target));
    return "in";
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

/** Lets clients in until each worker has some; which of them gets a connection, the kernel says. */
async function spread(): Promise<void> {
  await eventually(async () => {
    expect(await logIn("transaction")).toBe("in");
    expect(pooler.pooler.tenantsInUse).toBe(WORKERS);
  });
}

async function leave(): Promise<void> {
  await Promise.all(clients.splice(0).map((client) => client[Symbol.asyncDispose]()));
}

async function untilClients(count: number): Promise<void> {
  await eventually(async () =>
    expect((await pooler.pooler.traffic.state("dev")).clients).toBe(count),
  );
}

describe("max_client_connections", () => {
  test("is exact when 200 race for 50 places, whichever worker each comes to", async () => {
    await start({ max_client_connections: 50 });
    await spread();
    const places = 50 - clients.length;
    const modes = Array.from({ length: 200 }, (_, index): PortMode => {
      return index % 10 === 0 ? "native" : index % 2 === 0 ? "transaction" : "session";
    });
    const outcomes = await Promise.all(modes.map((mode) => logIn(mode)));
    const refused = outcomes.filter((outcome) => outcome !== "in");
    expect(refused).toHaveLength(200 - places);
    for (const words of refused) {
      expect(words).toContain("53300: sorry, too many clients already");
      expect(words).toContain("This tenant has 50 clients; the limit is 50.");
    }
    await untilClients(50);
  });

  test("gives each place again, as often as it is left", async () => {
    await start({ max_client_connections: 6 });
    const modes = [...MODES, ...MODES];
    for (let round = 0; round < 5; round += 1) {
      // oxlint-disable-next-line no-await-in-loop -- one round after the other
      const outcomes = await Promise.all(modes.map((mode) => logIn(mode)));
      expect(outcomes).toEqual(modes.map(() => "in"));
      // oxlint-disable-next-line no-await-in-loop
      for (const outcome of await Promise.all(modes.map((mode) => logIn(mode))))
        expect(outcome).toContain("the limit is 6");
      // oxlint-disable-next-line no-await-in-loop
      await leave();
      // oxlint-disable-next-line no-await-in-loop
      await eventually(async () => expect(await logIn("transaction")).toBe("in"));
      // oxlint-disable-next-line no-await-in-loop
      await leave();
      // oxlint-disable-next-line no-await-in-loop
      await untilClients(0);
    }
  });

  test("counts those who were there before the tenant had several owners", async () => {
    await start({ owners: 1, max_client_connections: 10 });
    for (let count = 0; count < 8; count += 1)
      // oxlint-disable-next-line no-await-in-loop -- one after the other
      expect(await logIn(count % 4 === 0 ? "native" : "transaction")).toBe("in");
    await pooler.putTenant(fields({ max_client_connections: 10 }));
    await pooler.pooler.traffic.refresh();
    await eventually(() => expect(pooler.pooler.clients).toBe(8));
    const outcomes = await Promise.all(Array.from({ length: 9 }, () => logIn("session")));
    expect(outcomes.filter((outcome) => outcome === "in")).toHaveLength(2);
  });

  test("is no business of whoever does not know the password", async () => {
    await start({ max_client_connections: 1 });
    const wrong = { ...pooler.target(), password: "wrong" };
    const attempts = Array.from({ length: 6 }, () => RawClient.connect(wrong).catch(() => null));
    expect(await Promise.all(attempts)).toEqual(attempts.map(() => null));
    expect(await logIn("transaction")).toBe("in");
    const words = await RawClient.connect(wrong).catch((error: unknown) => String(error));
    expect(words).toContain("28P01");
  });
});

describe("max_clients", () => {
  test.each(MODES)("is the user's at all workers together: %s", async (mode) => {
    await start({});
    const outcomes = await Promise.all(Array.from({ length: 8 }, () => logIn(mode, "other")));
    expect(outcomes.filter((outcome) => outcome === "in")).toHaveLength(2);
    for (const words of outcomes.filter((outcome) => outcome !== "in"))
      expect(words).toContain("This user has 2 clients; the limit is 2.");
  });
});

describe("max_pools", () => {
  test("is the tenant's at all workers together, and does not mind how many share a pool", async () => {
    await start({ max_pools: 2 });
    // oxlint-disable-next-line no-await-in-loop -- one after the other
    for (const name of ["one", "two", "three"]) await postgres.query(`create database ${name}`);
    const names = ["one", "two"];
    for (let round = 0; round < 4; round += 1)
      // oxlint-disable-next-line no-await-in-loop
      for (const name of names) expect(await logIn("transaction", "postgres", name)).toBe("in");
    for (let attempt = 0; attempt < 4; attempt += 1)
      // oxlint-disable-next-line no-await-in-loop
      expect(await logIn("transaction", "postgres", "three")).toContain(
        "It has 2 pools with clients, one for each user, database and mode; the limit is 2.",
      );
    expect(await logIn("native", "postgres", "three")).toBe("in");
  });
});

describe("max_connection_rate", () => {
  test("is the tenant's at all workers together", async () => {
    await start({ max_connection_rate: 4 });
    const outcomes = await Promise.all(Array.from({ length: 12 }, () => logIn("transaction")));
    const welcome = outcomes.filter((outcome) => outcome === "in").length;
    expect(welcome).toBeGreaterThanOrEqual(4); // the bucket is full, and fills while they come
    expect(welcome).toBeLessThan(12);
    for (const words of outcomes.filter((outcome) => outcome !== "in"))
      expect(words).toContain("max_connection_rate is 4 logins in a second");
  });
});

describe("an operator", () => {
  test("sees all clients and servers, and ends them, whichever worker has them", async () => {
    await start({});
    await spread();
    await Promise.all(clients.map((client) => client.run(query("select 1"))));
    const state = await pooler.pooler.traffic.state("dev");
    expect(state.clients).toBe(clients.length);
    expect(state.pools).toHaveLength(1);
    expect(state.pools[0]).toMatchObject({ clients: clients.length, size: 12 });
    expect(state.servers).toBeGreaterThanOrEqual(WORKERS);
    expect(await pooler.pooler.traffic.terminate("dev")).toEqual({
      clients: state.clients,
      servers: state.servers,
    });
    await untilClients(0);
  });

  test("pauses all workers, and the clients of all go on when it resumes", async () => {
    await start({});
    await spread();
    expect((await pooler.pooler.traffic.pause("dev", 10_000)).paused).toBe(true);
    expect((await pooler.pooler.traffic.state("dev")).paused).toBe(true);
    const answers = clients.map((client) => client.run(query("select 1")));
    await eventually(async () => {
      const { clientsWaiting } = await pooler.pooler.traffic.state("dev");
      expect(clientsWaiting).toBe(clients.length);
    });
    await pooler.pooler.traffic.resume("dev");
    await Promise.all(answers);
  });

  test("can't pause while one of the workers has a transaction under way", async () => {
    await start({});
    await spread();
    const [busy] = clients;
    await busy?.run(query("begin"));
    const outcome = await pooler.pooler.traffic.pause("dev", 200);
    expect(outcome).toEqual({ paused: false, servers: 1 });
    await busy?.run(query("commit"));
    await Promise.all(clients.map((client) => client.run(query("select 1"))));
  });

  test("has a change hold for the very next login, at whichever worker", async () => {
    await start({});
    await logIn("transaction");
    for (let round = 1; round <= 3; round += 1) {
      // oxlint-disable-next-line no-await-in-loop -- one round after the other
      await pooler.putTenant(fields({ max_client_connections: clients.length }));
      // oxlint-disable-next-line no-await-in-loop
      await pooler.pooler.traffic.refresh();
      // oxlint-disable-next-line no-await-in-loop
      const outcomes = await Promise.all(Array.from({ length: 6 }, () => logIn("session")));
      expect(outcomes.filter((outcome) => outcome === "in")).toHaveLength(0);
      // oxlint-disable-next-line no-await-in-loop
      await pooler.putTenant(fields({ max_client_connections: clients.length + 1 }));
      // oxlint-disable-next-line no-await-in-loop
      await pooler.pooler.traffic.refresh();
      // oxlint-disable-next-line no-await-in-loop
      expect(await logIn("session")).toBe("in");
    }
  });
});

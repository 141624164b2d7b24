/**
 * max_client_connections and max_connection_rate of a tenant: over all its users, in whatever mode they come.
 */

import { afterAll, afterEach, beforeAll, describe, expect, test } from "bun:test";
import type { PortMode } from "../../../src/net/channel-opening.ts";
import { eventually } from "../../support/eventually.ts";
import { startPooler, type TestPooler } from "../../support/pooler.ts";
import { startPostgres, type TestPostgres } from "../../support/postgres.ts";
import { RawClient } from "../../support/raw-client.ts";

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
  await Promise.all(clients.splice(0).map((client) => client[Symbol.asyncDispose]()));
  await pooler[Symbol.asyncDispose]();
});

async function start(tenant: Readonly<Record<string, unknown>>): Promise<void> {
  const users = [
    { db_user: "postgres", db_password: postgres.password },
    { db_user_alias: "second", db_user: "other", db_password: "other", max_clients: 2 },
  ];
  pooler = await startPooler(postgres, { tenant: { users, ...tenant } });
}

/** Logs in and stays; returns "in", or what it is told. */
async function logIn(mode: PortMode, user = "postgres"): Promise<string> {
  const password = user === "postgres" ? postgres.password : "other";
  try {
    const target = { ...pooler.target(mode), user: `${user}.dev`, password };
    clients.push(await RawClient.connect(target));
    return "in";
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

async function untilClients(count: number): Promise<void> {
  await eventually(() => expect(pooler.pooler.clients).toBe(count));
}

const MODES: readonly PortMode[] = ["transaction", "session", "native"];

describe("max_client_connections", () => {
  test("is exact when 200 race for 50 places", async () => {
    await start({ max_client_connections: 50 });
    const modes = Array.from({ length: 200 }, (_, index): PortMode => {
      return index % 10 === 0 ? "native" : index % 2 === 0 ? "transaction" : "session";
    });
    const outcomes = await Promise.all(modes.map((mode) => logIn(mode)));
    const refused = outcomes.filter((outcome) => outcome !== "in");
    expect(refused).toHaveLength(150);
    for (const words of refused) {
      expect(words).toContain("53300: sorry, too many clients already");
      expect(words).toContain("This tenant has 50 clients; the limit is 50.");
    }
    await untilClients(50);
  });

  test("gives each place again, as often as it is left", async () => {
    await start({ max_client_connections: 3 });
    for (let round = 0; round < 5; round += 1) {
      // oxlint-disable-next-line no-await-in-loop -- one round after the other
      const outcomes = await Promise.all(MODES.map((mode) => logIn(mode)));
      expect(outcomes).toEqual(["in", "in", "in"]);
      // oxlint-disable-next-line no-await-in-loop
      expect(await logIn("transaction")).toContain("the limit is 3");
      // oxlint-disable-next-line no-await-in-loop
      await Promise.all(clients.splice(0).map((client) => client[Symbol.asyncDispose]()));
      // oxlint-disable-next-line no-await-in-loop
      await untilClients(0);
    }
  });

  test("is not used up by who does not know the password", async () => {
    await start({ max_client_connections: 1 });
    const target = { ...pooler.target(), password: "wrong" };
    for (let attempt = 0; attempt < 3; attempt += 1)
      // oxlint-disable-next-line no-await-in-loop
      await RawClient.connect(target).catch(() => null);
    expect(await logIn("transaction")).toBe("in");
  });

  test("is the tenant's, over all its users, and no other's", async () => {
    await start({ max_client_connections: 2 });
    await pooler.putTenant({ external_id: "neighbour" });
    expect(await logIn("transaction")).toBe("in");
    expect(await logIn("session", "second")).toBe("in");
    expect(await logIn("native", "second")).toContain("This tenant has 2 clients; the limit is 2.");
    clients.push(await RawClient.connect(pooler.target("transaction", "neighbour")));
  });

  test("that is lowered sends nobody away, and that is raised holds for the next client", async () => {
    await start({ max_client_connections: 2 });
    await logIn("transaction");
    await logIn("transaction");
    const user = { db_user: "postgres", db_password: postgres.password };
    await pooler.putTenant({ max_client_connections: 1, users: [user] });
    await eventually(async () => expect(await logIn("session")).toContain("the limit is 1"));
    expect(pooler.pooler.clients).toBe(2);
    await pooler.putTenant({ max_client_connections: 3, users: [user] });
    await eventually(async () => expect(await logIn("session")).toBe("in"));
  });
});

describe("max_clients", () => {
  test.each(MODES)("is the user's by whatever name it comes: %s", async (mode) => {
    await start({ default_max_clients: 5 });
    expect(await logIn(mode, "other")).toBe("in");
    expect(await logIn(mode, "second")).toBe("in");
    expect(await logIn(mode, "other")).toContain("This user has 2 clients; the limit is 2.");
    expect(await logIn(mode, "second")).toContain("This user has 2 clients; the limit is 2.");
  });

  test("is exact when 60 race for 20 places", async () => {
    await start({ default_max_clients: 20 });
    const outcomes = await Promise.all(
      Array.from({ length: 60 }, (_, index) => logIn(MODES[index % 3] ?? "session")),
    );
    expect(outcomes.filter((outcome) => outcome === "in")).toHaveLength(20);
    for (const words of outcomes.filter((outcome) => outcome !== "in"))
      expect(words).toContain("This user has 20 clients; the limit is 20.");
  });
});

describe("max_connection_rate", () => {
  test("refuses what comes faster, with the limit, in any mode", async () => {
    await start({ max_connection_rate: 1 });
    await logIn("transaction");
    const outcomes = await Promise.all([...MODES, ...MODES].map((mode) => logIn(mode)));
    const refused = outcomes.filter((outcome) => outcome !== "in");
    // Some time passes, on a slow machine perhaps enough for a few.
    expect(refused.length).toBeGreaterThan(0);
    for (const words of refused) {
      expect(words).toContain("53300: too many logins at a time");
      expect(words).toContain("max_connection_rate is 1");
    }
    await eventually(async () => expect(await logIn("transaction")).toBe("in"));
  });

  test("counts those whose password is wrong, and not those whom the tenant does not take", async () => {
    await start({ max_connection_rate: 2, allow_list: ["10.0.0.0/8"] });
    for (let attempt = 0; attempt < 5; attempt += 1)
      // oxlint-disable-next-line no-await-in-loop
      expect(await logIn("transaction")).toContain("28000");
  });
});

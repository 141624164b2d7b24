/**
 * The verbs on a tenant's traffic, in front of a real PostgreSQL.
 */

import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "bun:test";
import { Client, DatabaseError } from "pg";
import { TenantNotFoundError } from "../../src/control/control-errors.ts";
import type { Traffic } from "../../src/control/traffic.ts";
import { eventually } from "../support/eventually.ts";
import { startPooler, type TestPooler } from "../support/pooler.ts";
import { startPostgres, type TestPostgres } from "../support/postgres.ts";
import { rejectionOf } from "../support/rejection.ts";

const LONG_MS = 10_000;

let postgres: TestPostgres;
let pooler: TestPooler;
let traffic: Traffic;
const clients: Client[] = [];

beforeAll(async () => {
  postgres = await startPostgres();
});
afterAll(async () => {
  await postgres[Symbol.asyncDispose]();
});
beforeEach(async () => {
  pooler = await startPooler(postgres, { tenant: { default_pool_size: 3 } });
  traffic = pooler.pooler.traffic;
});
afterEach(async () => {
  await pooler[Symbol.asyncDispose]();
  await Promise.all(clients.splice(0).map((client) => client.end().catch(() => null)));
});

interface Told {
  readonly client: Client;
  /** What it was told when it was ended. */
  readonly farewell: Promise<DatabaseError>;
}

async function connect(tenant = "dev"): Promise<Told> {
  const client = new Client(pooler.target("transaction", tenant));
  clients.push(client);
  const { promise, resolve } = Promise.withResolvers<DatabaseError>();
  client.on("error", (error) => {
    if (error instanceof DatabaseError) resolve(error);
  });
  await client.connect();
  return { client, farewell: promise };
}

async function backends(): Promise<number> {
  const rows = await postgres.query(
    "select count(*)::int as n from pg_stat_activity where backend_type = 'client backend' and pid <> pg_backend_pid()",
  );
  return Number(rows[0]?.["n"]);
}

async function pidOf(client: Client): Promise<number> {
  const { rows } = await client.query<{ pid: number }>("select pg_backend_pid() as pid");
  return rows[0]?.pid ?? 0;
}

describe("terminate", () => {
  test("ends all clients and servers, those in a transaction too, and welcomes new ones", async () => {
    const idle = await connect();
    const busy = await connect();
    await busy.client.query("begin");
    const pid = await pidOf(busy.client);
    const ended = await traffic.terminate("dev");
    expect(ended).toEqual({ clients: 2, servers: 1 });
    for (const { farewell } of [idle, busy]) {
      // oxlint-disable-next-line no-await-in-loop -- both were told already
      const { code, detail } = await farewell;
      expect([code, detail]).toEqual([
        "57P01",
        "The operator of the pooler ended all connections of the tenant.",
      ]);
    }
    const next = await connect();
    expect(await pidOf(next.client)).not.toBe(pid);
    await eventually(async () => expect(await backends()).toBe(1));
  });

  test("of a tenant for which nothing runs does nothing", async () => {
    expect(await traffic.terminate("nobody")).toEqual({ clients: 0, servers: 0 });
  });

  test("leaves other tenants alone", async () => {
    await pooler.putTenant({ external_id: "other" });
    const { client } = await connect("other");
    const pid = await pidOf(client);
    await traffic.terminate("dev");
    expect(await pidOf(client)).toBe(pid);
  });
});

describe("pause", () => {
  test("closes all servers, lets clients log in and wait, and serves them when it ends", async () => {
    const { client } = await connect();
    await client.query("select 1");
    expect(await traffic.pause("dev", LONG_MS)).toEqual({ paused: true, servers: 0 });
    expect(await backends()).toBe(0);
    const waiting = client.query("select 1 as one");
    const late = await connect();
    const lateQuery = late.client.query("select 2 as two");
    await eventually(async () => {
      const { paused, clientsWaiting, servers } = await traffic.state("dev");
      expect([paused, clientsWaiting, servers]).toEqual([true, 2, 0]);
    });
    await traffic.resume("dev");
    expect((await waiting).rows).toEqual([{ one: 1 }]);
    expect((await lateQuery).rows).toEqual([{ two: 2 }]);
  });

  test("waits for transactions that run", async () => {
    const { client } = await connect();
    await client.query("begin");
    const pausing = traffic.pause("dev", LONG_MS);
    await eventually(async () => expect((await traffic.state("dev")).paused).toBe(true));
    await client.query("commit");
    expect(await pausing).toEqual({ paused: true, servers: 0 });
    expect(await backends()).toBe(0);
  });

  test("gives up after its time, and lending goes on", async () => {
    const { client } = await connect();
    await client.query("begin");
    expect(await traffic.pause("dev", 100)).toEqual({ paused: false, servers: 1 });
    const other = await connect();
    expect((await other.client.query("select 1 as one")).rows).toEqual([{ one: 1 }]);
    await client.query("commit");
  });

  test("outlasts the checkout timeout for who waits", async () => {
    await pooler.putTenant({ pool_checkout_timeout: 100 });
    const { client } = await connect();
    await client.query("select 1");
    await traffic.pause("dev", LONG_MS);
    const waiting = client.query("select 1 as one");
    const sinceMs = performance.now();
    await eventually(async () => {
      expect((await traffic.state("dev")).clientsWaiting).toBe(1);
      expect(performance.now() - sinceMs).toBeGreaterThan(400);
    });
    await traffic.resume("dev");
    expect((await waiting).rows).toEqual([{ one: 1 }]);
  });

  test("holds for a tenant that nobody uses yet", async () => {
    expect(await traffic.pause("dev", LONG_MS)).toEqual({ paused: true, servers: 0 });
    expect((await traffic.state("dev")).paused).toBe(true);
    await traffic.resume("dev");
    expect(pooler.pooler.tenantsInUse).toBe(0);
  });

  test("that is ended before the servers are back is over", async () => {
    const { client } = await connect();
    await client.query("begin");
    const pausing = traffic.pause("dev", LONG_MS);
    await eventually(async () => expect((await traffic.state("dev")).paused).toBe(true));
    await traffic.resume("dev");
    expect((await pausing).paused).toBe(false);
    await client.query("commit");
  });

  test("of a tenant that does not exist is refused", async () => {
    expect(await rejectionOf(traffic.pause("nobody", 100))).toBeInstanceOf(TenantNotFoundError);
  });
});

describe("drain", () => {
  test("ends idle clients at once, and the others after their transaction", async () => {
    const idle = await connect();
    const busy = await connect();
    await busy.client.query("begin");
    const draining = traffic.drain("dev", LONG_MS);
    expect((await idle.farewell).code).toBe("57P01");
    const fresh = await connect();
    expect((await busy.client.query("select 1 as one")).rows).toEqual([{ one: 1 }]);
    await busy.client.query("commit");
    expect((await busy.farewell).code).toBe("57P01");
    expect(await draining).toEqual({ clients: 2, servers: 1 });
    expect((await fresh.client.query("select 1 as one")).rows).toEqual([{ one: 1 }]);
  });

  test("ends a transaction that takes longer than the given time", async () => {
    const busy = await connect();
    await busy.client.query("begin");
    expect(await traffic.drain("dev", 100)).toEqual({ clients: 1, servers: 1 });
    expect((await busy.farewell).code).toBe("57P01");
    await eventually(async () => expect(await backends()).toBe(0));
  });
});

describe("a tenant that is deleted", () => {
  test("has its idle clients told so, and those in a transaction after it", async () => {
    const idle = await connect();
    const busy = await connect();
    await busy.client.query("begin");
    await pooler.store.write([{ kind: "delete", externalId: "dev" }]);
    const told = await idle.farewell;
    expect([told.code, told.detail]).toEqual(["57P01", "The tenant was removed from the pooler."]);
    expect((await busy.client.query("select 1 as one")).rows).toEqual([{ one: 1 }]);
    await busy.client.query("commit");
    expect((await busy.farewell).detail).toBe("The tenant was removed from the pooler.");
    await eventually(async () => expect(await backends()).toBe(0));
    await eventually(() => expect(pooler.pooler.tenantsInUse).toBe(0));
    expect(await rejectionOf(connect())).toBeInstanceOf(DatabaseError);
  });

  test("and made again serves new clients by new servers", async () => {
    const old = await connect();
    const pid = await pidOf(old.client);
    await pooler.store.write([{ kind: "delete", externalId: "dev" }]);
    await old.farewell;
    await pooler.putTenant({});
    // That there is no such tenant is believed for up to a second.
    const fresh = await eventually(() => connect());
    expect(await pidOf(fresh.client)).not.toBe(pid);
  });
});

test("clients of a user that is removed are told so, and nobody else's", async () => {
  const { superuser, password } = postgres;
  const users = ["kept", "gone"].map((alias) => ({
    db_user: superuser,
    db_user_alias: alias,
    db_password: password,
  }));
  await pooler.putTenant({ external_id: "two", users });
  const connectAs = async (alias: string): Promise<Told> => {
    const client = new Client({ ...pooler.target(), user: `${alias}.two` });
    clients.push(client);
    const { promise, resolve } = Promise.withResolvers<DatabaseError>();
    client.on("error", (error) => {
      if (error instanceof DatabaseError) resolve(error);
    });
    await client.connect();
    return { client, farewell: promise };
  };
  const [kept, gone] = [await connectAs("kept"), await connectAs("gone")];
  await pooler.putTenant({ external_id: "two", users: users.slice(0, 1) });
  const { code, detail } = await gone.farewell;
  expect([code, detail]).toEqual(["57P01", "The user was removed from the tenant."]);
  expect((await kept.client.query("select 1 as one")).rows).toEqual([{ one: 1 }]);
});

describe("the state of a tenant", () => {
  test("counts clients and servers by what they do", async () => {
    const [busy, idle] = [await connect(), await connect()];
    await busy.client.query("begin");
    await idle.client.query("select 1");
    const state = await traffic.state("dev");
    const { clients: logged, clientsWaiting, servers, serversIdle, serversActive, pins } = state;
    expect([logged, clientsWaiting, servers, serversIdle, serversActive, pins]).toEqual([
      2, 0, 2, 1, 1, 0,
    ]);
    expect(state.pools).toEqual([
      {
        user: postgres.superuser,
        database: "postgres",
        mode: "transaction",
        size: 3,
        clients: 2,
        waiting: 0,
        serversIdle: 1,
        serversActive: 1,
        serversOpening: 0,
        pins: 0,
        paused: false,
        lastError: null,
      },
    ]);
    await busy.client.query("commit");
  });

  test("is all zeros for a tenant for which nothing runs", async () => {
    expect(await traffic.state("nobody")).toEqual({
      externalId: "nobody",
      paused: false,
      clients: 0,
      clientsWaiting: 0,
      servers: 0,
      serversIdle: 0,
      serversActive: 0,
      pins: 0,
      pools: [],
      lastErrors: [],
    });
  });

  test("has the last ten errors of both sides, the newest first, and no secret", async () => {
    const wrong = { ...pooler.target(), password: "not-the-password" };
    await rejectionOf(new Client(wrong).connect());
    await rejectionOf(new Client({ ...pooler.target(), database: "no_such_database" }).connect());
    const { lastErrors } = await traffic.state("dev");
    expect(lastErrors.map(({ where, sqlstate }) => `${where} ${sqlstate}`)).toEqual([
      "server 3D000",
      "client 28P01",
    ]);
    const attempts = Array.from({ length: 11 }, (_, n) =>
      rejectionOf(new Client({ ...pooler.target(), database: `no_${n}` }).connect()),
    );
    await Promise.all(attempts);
    const all = (await traffic.state("dev")).lastErrors;
    expect(all.length).toBe(10);
    expect(all.every(({ message }) => /no_\d/.test(message))).toBe(true);
    expect(JSON.stringify(all)).not.toContain("not-the-password");
  });
});

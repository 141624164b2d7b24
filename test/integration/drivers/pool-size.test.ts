/**
 * The size of a pool is exact, counted where it matters: in PostgreSQL itself.
 */

import { expect, test } from "bun:test";
import { Client } from "pg";
import { inTurn } from "../../support/in-turn.ts";
import { DRIVERS, failureOf, type Row } from "./drivers.ts";
import { everywhere, inEveryMode, type Place } from "./everywhere.ts";

const CLIENTS = 20;

/** Long enough for a busy machine to open a server. */
const CHECKOUT_TIMEOUT_MS = 500;

inEveryMode("a pool of two", (rig, mode) => {
  test("never has a third server, however many clients of all drivers come at once", async () => {
    const watch = await watchServers(rig.postgres.connectionString());
    const sleepOnce = async (_: unknown, index: number) => {
      const driver = DRIVERS[index % DRIVERS.length] ?? DRIVERS[0];
      await using client = await driver?.connect(rig.pooler.target(mode));
      return await client?.simple("select pg_sleep(0.05)::text as slept");
    };
    const slept = await Promise.all(Array.from({ length: CLIENTS }, sleepOnce));
    expect(slept).toEqual(Array.from({ length: CLIENTS }, () => [{ slept: "" }]));
    const most = await watch.stop();
    expect(most.servers).toBe(2);
    expect(most.samples).toBeGreaterThan(10);
  });
});

inEveryMode("waiters for a pool of two", (rig, mode) => {
  test("are served in the order in which they came", async () => {
    await rig.postgres.query("create sequence turn");
    await using busy = await connect();
    await using holder = await connect();
    await Promise.all([busy.query("begin"), holder.query("begin")]);
    const turns: Promise<number>[] = [];
    await inTurn(await Promise.all(Array.from({ length: 6 }, connect)), async (client) => {
      turns.push(takeTurn(client));
      // Whatever reached the pooler before the first answer has been read before the second.
      await busy.query("select 1");
      await busy.query("select 1");
    });
    await holder.end();
    expect(await Promise.all(turns)).toEqual([1, 2, 3, 4, 5, 6]);
  });

  async function connect(): Promise<Client & AsyncDisposable> {
    const client = new Client(rig.pooler.target(mode));
    await client.connect();
    return Object.assign(client, { [Symbol.asyncDispose]: () => client.end() });
  }
});

everywhere(
  "a pool that has no server free",
  (place) => {
    test("refuses whoever waited too long, and serves when one is free again", async () => {
      await using busy = await place.connect();
      const holder = await place.connect();
      await busy.simple("begin");
      await holder.simple("begin");
      expect(await failureOf(ask(place))).toBe("53300");
      await holder[Symbol.asyncDispose]();
      expect(await ask(place)).toEqual([{ n: 1 }]);
    });

    if (place.mode === "session") return;
    test("refuses a transaction, not its client", async () => {
      await using patient = await place.connect();
      await using other = await place.connect();
      await using busy = await place.connect();
      await using holder = await place.connect();
      await busy.simple("begin");
      await holder.simple("begin");
      const failures = [
        failureOf(patient.simple("select 1")),
        failureOf(other.prepared("select $1::int4", [1])),
      ];
      expect(await Promise.all(failures)).toEqual(["53300", "53300"]);
      await holder.simple("rollback");
      expect(await patient.prepared("select $1::int4 as n", [1])).toEqual([{ n: 1 }]);
      expect(await other.prepared("select $1::int4 as n", [2])).toEqual([{ n: 2 }]);
    });
  },
  { user: { pool_checkout_timeout: CHECKOUT_TIMEOUT_MS } },
);

async function takeTurn(waiter: AsyncDisposable & Client): Promise<number> {
  await using client = waiter;
  const { rows } = await client.query<{ turn: number }>("select nextval('turn')::int4 as turn");
  return rows[0]?.turn ?? 0;
}

async function ask(place: Place): Promise<readonly Row[]> {
  await using client = await place.connect();
  return await client.query("select $1::int4 as n", [1]);
}

/** Counts the pooler's servers again and again, over a connection that is none of them. */
async function watchServers(connectionString: string) {
  const observer = new Client({ connectionString });
  await observer.connect();
  const most = { servers: 0, samples: 0 };
  let over = false;
  const sample = async (): Promise<void> => {
    const { rows } = await observer.query<{ n: number }>(
      "select count(*)::int4 as n from pg_stat_activity where backend_type = 'client backend' and pid <> pg_backend_pid()",
    );
    most.servers = Math.max(most.servers, rows[0]?.n ?? 0);
    most.samples += 1;
    return over ? undefined : sample();
  };
  const sampling = sample();
  return {
    async stop() {
      over = true;
      await sampling;
      await observer.end();
      return most;
    },
  };
}

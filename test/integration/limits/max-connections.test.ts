/**
 * Connections of a whole process, which may open few files: clients and servers together never take the
 * last one, because a process that can accept nobody spins in silence.
 */

import { afterAll, afterEach, beforeAll, expect } from "bun:test";
import { connect, type Socket } from "node:net";
import { Client } from "pg";
import { eventually } from "../../support/eventually.ts";
import { query } from "../../support/frontend-messages.ts";
import { startPostgres, type TestPostgres } from "../../support/postgres.ts";
import { RawClient } from "../../support/raw-client.ts";
import { rejectionOf } from "../../support/rejection.ts";
import { sendCancelRequest } from "../../support/send-cancel-request.ts";
import { testOneWorker } from "../../support/workers.ts";
import { SpawnedPooler, type SpawnOptions } from "./spawned-pooler.ts";

/** 64 more than what is kept for files, cancels, and those to be refused. */
const DESCRIPTORS = 272;
/** A loop that spins takes all of it, and one on a busy machine half. */
const SPINNING_SHARE = 0.35;

const PER_PROCESS = "descriptors are a process's own, and so is its share of MAX_CONNECTIONS";

let postgres: TestPostgres;
let pooler: SpawnedPooler;
const clients: Client[] = [];

beforeAll(async () => {
  postgres = await startPostgres();
});
afterAll(async () => {
  await postgres[Symbol.asyncDispose]();
});
afterEach(async () => {
  await Promise.all(clients.splice(0).map((client) => client.end().catch(() => null)));
  await pooler[Symbol.asyncDispose]();
});

async function start(options: SpawnOptions): Promise<void> {
  pooler = await SpawnedPooler.start(postgres, { descriptors: DESCRIPTORS, ...options });
}

async function newClient(): Promise<Client> {
  const client = new Client(pooler.target());
  client.on("error", () => {});
  await client.connect();
  clients.push(client);
  return client;
}

async function newClients(count: number): Promise<Client[]> {
  const all: Client[] = [];
  for (let index = 0; index < count; index += 1)
    // oxlint-disable-next-line no-await-in-loop -- one after the other: each is within the limit
    all.push(await newClient());
  return all;
}

/** Connections that say nothing, whether they are kept or not. */
async function silent(count: number, port = pooler.ports.transaction): Promise<Socket[]> {
  const sockets = Array.from({ length: count }, () =>
    connect(port, "127.0.0.1").on("error", () => {}),
  );
  // Who is closed unheard may never see its connection stand.
  await Promise.all(
    sockets.map((socket) => Promise.race([settled(socket, "connect"), settled(socket, "close")])),
  );
  return sockets;
}

function settled(socket: Socket, event: "connect" | "close"): Promise<void> {
  return new Promise((resolve) => {
    socket.once(event, () => resolve());
  });
}

/** Over a while in which nobody asks for anything. */
async function expectIdle(): Promise<void> {
  const [beforeMs, sinceMs] = [pooler.cpuMs, performance.now()];
  await Bun.sleep(1000);
  const share = (pooler.cpuMs - beforeMs) / (performance.now() - sinceMs);
  expect(share).toBeLessThan(SPINNING_SHARE);
  expect(pooler.descriptors).toBeLessThan(DESCRIPTORS);
}

testOneWorker(
  "takes so many clients and not one more, and another one when one has left",
  PER_PROCESS,
  async () => {
    await start({ environment: { MAX_CONNECTIONS: "5" } });
    const [first] = await newClients(5);
    for (let attempt = 0; attempt < 10; attempt += 1)
      // oxlint-disable-next-line no-await-in-loop -- one after the other
      expect(await rejectionOf(newClient())).toMatchObject({
        severity: "FATAL",
        code: "53300",
        message: "sorry, too many clients already",
        // Who was refused just before may not have gone yet.
        detail: expect.stringMatching(/^This pooler has \d+ client connections; the limit is 5\.$/),
        hint: expect.stringContaining("Raise MAX_CONNECTIONS"),
      });
    await first?.end();
    await eventually(() => newClient());
  },
);

testOneWorker("delivers a CancelRequest when it is full", PER_PROCESS, async () => {
  await start({ environment: { MAX_CONNECTIONS: "2" } });
  await using client = await RawClient.connect(pooler.target());
  await newClient();
  await client.send(query("select pg_sleep(30)"));
  await eventually(async () => {
    const running = await postgres.query(
      "select 1 from pg_stat_activity where query = 'select pg_sleep(30)' and state = 'active'",
    );
    expect(running).toHaveLength(1);
  });
  await sendCancelRequest(pooler.target(), client.key);
  expect((await client.untilReady()).join()).toContain("57014");
});

testOneWorker(
  "serves its clients beside hundreds of connections that say nothing, and does not spin",
  PER_PROCESS,
  async () => {
    await start({ environment: { MAX_CONNECTIONS: "5" } });
    const [client] = await newClients(5);
    const sockets = await silent(300);
    await eventually(() =>
      expect(sockets.filter((socket) => !socket.closed).length).toBeLessThanOrEqual(32),
    );
    await expectIdle();
    expect((await client?.query("select 1 as one"))?.rows).toEqual([{ one: 1 }]);
    for (const socket of sockets) socket.destroy();
    await eventually(async () =>
      expect(await rejectionOf(newClient())).toMatchObject({ code: "53300" }),
    );
  },
);

testOneWorker(
  "leaves descriptors to its clients, however many servers they want",
  PER_PROCESS,
  async () => {
    const user = {
      db_user: "postgres",
      db_password: postgres.password,
      pool_checkout_timeout: 500,
    };
    const tenant = { default_pool_size: 50, users: [user] };
    await start({ environment: { MAX_CONNECTIONS: "60" }, tenant });
    const all = await newClients(10);
    const begun = await Promise.allSettled(all.map((client) => client.query("begin")));
    expect(begun.filter(({ status }) => status === "fulfilled")).toHaveLength(4);
    const refused = begun.flatMap((result) =>
      result.status === "rejected" ? [result.reason] : [],
    );
    for (const error of refused)
      expect(error).toMatchObject({
        severity: "ERROR",
        code: "53300",
        detail: expect.stringContaining("too many server connections"),
      });
    await newClients(50);
    await expectIdle();
    await Promise.all(all.map((client) => client.query("rollback").catch(() => null)));
    expect((await all[9]?.query("select 1 as one"))?.rows).toEqual([{ one: 1 }]);
  },
);

testOneWorker(
  "delivers a CancelRequest when there are as many servers as there may be",
  PER_PROCESS,
  async () => {
    await start({ environment: { MAX_CONNECTIONS: "63" } });
    await using client = await RawClient.connect(pooler.target());
    await client.send(query("select pg_sleep(29)"));
    await eventually(async () => {
      const running = await postgres.query(
        "select 1 from pg_stat_activity where query = 'select pg_sleep(29)' and state = 'active'",
      );
      expect(running).toHaveLength(1);
    });
    await sendCancelRequest(pooler.target(), client.key);
    expect((await client.untilReady()).join()).toContain("57014");
  },
);

testOneWorker(
  "leaves descriptors to its clients, however many connect to the port of HTTP",
  PER_PROCESS,
  async () => {
    await start({ environment: { MAX_CONNECTIONS: "60" } });
    const [client] = await newClients(50);
    const sockets = await silent(400, pooler.ports.http);
    await expectIdle();
    const health = await fetch(`http://127.0.0.1:${pooler.ports.http}/api/health`);
    expect(health.status).toBe(204);
    await newClients(10);
    expect((await client?.query("select 1 as one"))?.rows).toEqual([{ one: 1 }]);
    for (const socket of sockets) socket.destroy();
  },
);

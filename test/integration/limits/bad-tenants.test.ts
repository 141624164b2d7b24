/**
 * A tenant whose database is away costs the others nothing: one is black-holed, one refuses, one is slow, the
 * rest work.
 */

import { afterAll, beforeAll, expect, test } from "bun:test";
import { createServer, type Server, type Socket } from "node:net";
import { Client, DatabaseError } from "pg";
import { findFreePort } from "../../../src/app/listening/free-port.ts";
import { eventually } from "../../support/eventually.ts";
import { startPooler, type TestPooler } from "../../support/pooler.ts";
import { startPostgres, type TestPostgres } from "../../support/postgres.ts";
import { rejectionOf } from "../../support/rejection.ts";
import { TEST_WORKERS } from "../../support/workers.ts";
import { BlackHole } from "./black-hole.ts";

const GOOD = 17;
const BAD_CLIENTS = 30;
/** SERVER_CONNECT_ATTEMPTS. */
const ATTEMPTS_MAX = 4 * TEST_WORKERS; // a pool of this size has as many owners

let postgres: TestPostgres;

beforeAll(async () => {
  postgres = await startPostgres();
});
afterAll(async () => {
  await postgres[Symbol.asyncDispose]();
});

async function connect(pooler: TestPooler, tenant: string): Promise<Client> {
  const client = new Client(pooler.target("transaction", tenant));
  client.on("error", () => {});
  await client.connect();
  return client;
}

/** Takes connections and never says a word. */
async function startMute(): Promise<{
  readonly port: number;
  readonly sockets: Set<Socket>;
  readonly server: Server;
}> {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on("error", () => {}).on("close", () => sockets.delete(socket));
  });
  const { promise, resolve } = Promise.withResolvers<void>();
  server.listen(0, "127.0.0.1", resolve);
  await promise;
  const address = server.address();
  return { port: typeof address === "object" ? (address?.port ?? 0) : 0, sockets, server };
}

/** The longest of so many queries, in milliseconds. */
async function slowest(client: Client, queries: number): Promise<number> {
  let slowestMs = 0;
  for (let query = 0; query < queries; query += 1) {
    const sinceMs = performance.now();
    // oxlint-disable-next-line no-await-in-loop -- one after the other
    await client.query("select 1");
    slowestMs = Math.max(slowestMs, performance.now() - sinceMs);
  }
  return slowestMs;
}

test("neither others' latency nor the process's connections are eaten by tenants whose databases are away", async () => {
  using hole = await BlackHole.open();
  const mute = await startMute();
  await using pooler = await startPooler(postgres, {
    config: { serverConnectTimeoutMs: 3000, serverFailFastAfterMs: 1000 },
  });
  const bad = [
    { external_id: "hole", db_port: hole.port },
    { external_id: "refusing", db_port: findFreePort() },
    { external_id: "mute", db_port: mute.port },
  ];
  // oxlint-disable-next-line no-await-in-loop -- the store has one writer
  for (const fields of bad) await pooler.putTenant({ ...fields, default_pool_size: BAD_CLIENTS });
  const good = Array.from({ length: GOOD }, (_, n) => `good${n}`);
  // oxlint-disable-next-line no-await-in-loop -- the store has one writer
  for (const external_id of good) await pooler.putTenant({ external_id, default_pool_size: 1 });
  const losers = bad.flatMap(({ external_id }) =>
    Array.from({ length: BAD_CLIENTS }, () => rejectionOf(connect(pooler, external_id))),
  );
  const states = await eventually(async () => {
    const all = await Promise.all(
      bad.map(({ external_id }) => pooler.pooler.traffic.state(external_id)),
    );
    expect(
      all.every(({ clientsWaiting, lastErrors }) => clientsWaiting > 0 || lastErrors.length > 0),
    ).toBe(true);
    return all;
  });
  for (const { servers } of states) expect(servers).toBeLessThanOrEqual(ATTEMPTS_MAX);
  const winners = await Promise.all(good.map((tenant) => connect(pooler, tenant)));
  const latencies = await Promise.all(winners.map((client) => slowest(client, 100)));
  expect(Math.max(...latencies)).toBeLessThan(1000);
  expect(mute.sockets.size).toBeLessThanOrEqual(ATTEMPTS_MAX);
  const errors = await Promise.all(losers);
  for (const error of errors) expect(error).toBeInstanceOf(DatabaseError);
  await Promise.all(winners.map((client) => client.end()));
  for (const socket of mute.sockets) socket.destroy();
  mute.server.close();
});

test("who comes to a database that has been away for long is told why at once, and served when it is back", async () => {
  const port = findFreePort();
  await using pooler = await startPooler(postgres, {
    config: { serverFailFastAfterMs: 300, serverLoginRetryMs: 200 },
  });
  await pooler.putTenant({ external_id: "away", db_port: port });
  const first = await rejectionOf(connect(pooler, "away"));
  expect(first).toMatchObject({ code: "08006" });
  const sinceMs = performance.now();
  const errors = await Promise.all(
    Array.from({ length: 20 }, () => rejectionOf(connect(pooler, "away"))),
  );
  expect(performance.now() - sinceMs).toBeLessThan(2500);
  for (const error of errors) expect(error).toMatchObject({ code: "08006" });
  await pooler.putTenant({ external_id: "away" });
  const client = await eventually(() => connect(pooler, "away"));
  expect((await client.query("select 1 as one")).rows).toEqual([{ one: 1 }]);
  await client.end();
});

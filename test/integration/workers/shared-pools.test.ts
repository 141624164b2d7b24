/**
 * The servers of a tenant that several workers own, as PostgreSQL counts them.
 */

import { afterAll, afterEach, beforeAll, expect, test } from "bun:test";
import type { Client } from "pg";
import { eventually } from "../../support/eventually.ts";
import { PoolersOfANode } from "../../support/poolers-of-a-node.ts";
import { startPostgres, type TestPostgres } from "../../support/postgres.ts";
import { ServerSamples } from "../../support/server-samples.ts";

const SIZE = 6;
const WORKERS = 3;

let postgres: TestPostgres;
let node: PoolersOfANode;
let samples: ServerSamples;

beforeAll(async () => {
  postgres = await startPostgres();
});
afterAll(async () => {
  await postgres[Symbol.asyncDispose]();
});
afterEach(async () => {
  await samples[Symbol.asyncDispose]();
  await node[Symbol.asyncDispose]();
});

async function start(fields: Readonly<Record<string, unknown>> = {}): Promise<void> {
  node = await PoolersOfANode.start(postgres, WORKERS, { default_pool_size: SIZE, ...fields });
  samples = await ServerSamples.start(postgres);
}

function clientsAt(worker: number, count: number): Promise<Client[]> {
  return Promise.all(Array.from({ length: count }, () => node.connect(worker)));
}

/** Each client runs transactions until `untilMs`. Returns how many each has run. */
function load(clients: readonly Client[], untilMs: number): Promise<number[]> {
  return Promise.all(
    clients.map(async (client) => {
      let done = 0;
      while (performance.now() < untilMs) {
        // oxlint-disable-next-line no-await-in-loop -- one transaction after the other
        await client.query("select pg_sleep(0.002)");
        done += 1;
      }
      return done;
    }),
  );
}

/** Begins a transaction in each client, which keeps its server until it ends. */
async function hold(clients: readonly Client[]): Promise<void> {
  await Promise.all(clients.map((client) => client.query("begin")));
}

test("one worker with clients uses all servers", async () => {
  await start();
  const clients = await clientsAt(1, SIZE);
  await hold(clients);
  expect(await samples.now()).toBe(SIZE);
});

test("no more servers than the pool's size are open, wherever the load is", async () => {
  await start();
  const groups = await Promise.all([0, 1, 2].map((worker) => clientsAt(worker, 8)));
  const begin = performance.now();
  // First one worker's clients, then two workers', then all, then others.
  const phases = [
    [0, 700],
    [1, 1400],
    [2, 1000],
    [0, 1400],
  ] as const;
  const runs = phases.map(async ([worker, ms], index) => {
    await Bun.sleep(index * 250);
    return load(groups[worker] ?? [], begin + ms);
  });
  const done = (await Promise.all(runs)).flat();
  await samples.end();
  expect(samples.most).toBeLessThanOrEqual(SIZE);
  expect(samples.count).toBeGreaterThan(50);
  expect(Math.min(...done)).toBeGreaterThan(0);
});

test("servers move to the worker whose clients wait", async () => {
  await start();
  const first = await clientsAt(0, SIZE);
  await hold(first);
  await Promise.all(first.map((client) => client.query("commit")));
  const second = await clientsAt(2, SIZE);
  const begin = performance.now();
  await hold(second);
  expect(performance.now() - begin).toBeLessThan(1000);
  await samples.end();
  expect(samples.most).toBe(SIZE);
});

test("a worker without servers gets one from a worker whose clients use all", async () => {
  await start();
  const busy = await clientsAt(0, 3 * SIZE);
  const late = await clientsAt(1, 1);
  const until = performance.now() + 1500;
  const [, [done]] = await Promise.all([load(busy, until), load(late, until)]);
  expect(done).toBeGreaterThan(20);
  await samples.end();
  expect(samples.most).toBe(SIZE);
});

test("permits come back with the servers", async () => {
  await start({ server_idle_timeout: 100 });
  await hold(await clientsAt(0, 2));
  await hold(await clientsAt(1, 2));
  expect(node.permits).toBe(4);
  await Promise.all(node.poolers.map((pooler) => pooler.stop(0)));
  await eventually(() => expect(node.permits).toBe(0));
});

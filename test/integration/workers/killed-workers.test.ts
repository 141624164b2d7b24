/**
 * Workers are killed one after the other, while clients of four tenants ask for their own tags without a pause: one
 * tenant for each worker, and one that all of them share. `CARPOOL_KILL_SECONDS=60` goes on for a minute,
 * `CARPOOL_KILL_WORKERS=2` has so many workers, and `CARPOOL_KILL_OWNERS=auto` has Carpool say how many share a tenant.
 */

import { afterAll, beforeAll, expect, test } from "bun:test";
import { Client } from "pg";
import { seededRandom } from "../chaos/seeded-random.ts";
import { Swarm } from "../chaos/swarm.ts";
import { TaggedNode } from "./tagged-node.ts";
import { WorkerKiller } from "./worker-killer.ts";

const WORKERS = Number(process.env["CARPOOL_KILL_WORKERS"] ?? 3);
const OWNERS = process.env["CARPOOL_KILL_OWNERS"] === "auto" ? null : WORKERS;
const SECONDS = Number(process.env["CARPOOL_KILL_SECONDS"] ?? 12);
const KILL_EVERY_MS = 2500;
const COUNT_EVERY_MS = 20;
const CLIENTS_OF_EACH = 12;

/** The mean; with less, they alone would want all of two cores, and a worker's start would wait for its share. */
const THINK_MS = 25;

/**
 * Of any exchange and any login, those included that wait for a worker: on a machine that has nothing else to do one
 * is there again after half a second. Here it says that nobody waits for ever, whatever else wants the cores.
 */
const WAIT_MAX_MS = 25_000;

const COUNT_BACKENDS =
  "select datname, count(*)::int as backends from pg_stat_activity " +
  "where backend_type = 'client backend' group by datname";

const RESTARTED = "a worker has ended, and is started again";

let node: TaggedNode;

beforeAll(async () => {
  node = await TaggedNode.start({ workers: WORKERS, owners: OWNERS });
});
afterAll(async () => {
  await node[Symbol.asyncDispose]();
});

/** As `promise`; rejects where it takes longer than anybody is to wait. */
async function inTime<T>(what: string, promise: Promise<T>): Promise<T> {
  const late = Promise.withResolvers<never>();
  const timer = setTimeout(() => late.reject(new Error(`too late: ${what}`)), WAIT_MAX_MS);
  try {
    return await Promise.race([promise, late.promise]);
  } finally {
    clearTimeout(timer);
  }
}

/** Resolves when a new client of each tenant was let in. */
async function untilAllServe(): Promise<void> {
  const tenants = Array.from(node.tenants.keys());
  await Promise.all(tenants.map((tenant) => node.untilServes(tenant, WAIT_MAX_MS)));
}

/** Counts the servers of each tenant until it is stopped; the most that were seen at a time. */
async function countBackends(watch: { over: boolean; readonly most: Map<string, number> }) {
  const client = new Client(node.postgres.connectionString());
  await client.connect();
  while (!watch.over) {
    // oxlint-disable-next-line no-await-in-loop -- one look after the other
    const { rows } = await client.query<{ datname: string; backends: number }>(COUNT_BACKENDS);
    for (const { datname, backends } of rows)
      watch.most.set(datname, Math.max(watch.most.get(datname) ?? 0, backends));
    // oxlint-disable-next-line no-await-in-loop -- the pace
    await Bun.sleep(COUNT_EVERY_MS);
  }
  await client.end();
}

test(
  `a worker is killed every ${KILL_EVERY_MS} ms: no wrong answer, no server too many, no client without a word`,
  async () => {
    const seed = Math.floor(Math.random() * 2 ** 31);
    const random = seededRandom(seed);
    const killer = new WorkerKiller(node.program.process.pid, random);
    const swarms = Array.from(
      node.tenants.keys(),
      (tenant) =>
        new Swarm(node.targetOf(tenant), CLIENTS_OF_EACH, random, THINK_MS, killer.excuses),
    );
    const watch = { over: false, most: new Map<string, number>() };
    const running = Promise.all([...swarms.map((swarm) => swarm.run()), countBackends(watch)]);
    const backMs: number[] = [];
    const endMs = performance.now() + SECONDS * 1000;
    while (performance.now() < endMs && !swarms.some(({ stopping }) => stopping)) {
      // oxlint-disable-next-line no-await-in-loop -- the pace of the deaths
      await Bun.sleep(KILL_EVERY_MS);
      // oxlint-disable-next-line no-await-in-loop -- one death after the other
      await killer.killOne();
      const sinceMs = performance.now();
      // oxlint-disable-next-line no-await-in-loop -- one death after the other
      await untilAllServe();
      killer.allServe();
      backMs.push(Math.round(performance.now() - sinceMs));
    }
    for (const swarm of swarms) swarm.stop();
    watch.over = true;
    const waiting = (): readonly string[] =>
      swarms.flatMap((swarm) => swarm.waitingSince(WAIT_MAX_MS));
    await inTime("the clients end", running).catch(() => expect(waiting()).toEqual([]));
    await running;
    const counts = swarms.map((swarm) => swarm.counts);
    process.stdout.write(
      `seed ${seed}: back after ${backMs.join(", ")} ms, servers ${JSON.stringify([...watch.most])}, ${JSON.stringify(counts)}\n`,
    );
    expect(swarms.flatMap(({ violations }) => violations)).toEqual([]);
    for (const [tenant, serversMax] of node.tenants)
      expect(watch.most.get(tenant)).toBeWithin(1, serversMax + 1);
    for (const { queries, slowestMs } of counts) {
      expect(queries).toBeGreaterThan(100);
      expect(slowestMs).toBeLessThan(WAIT_MAX_MS);
    }
    expect(Math.max(...backMs)).toBeLessThan(WAIT_MAX_MS);
    expect(killer.deaths.length).toBeGreaterThan(SECONDS / 10);
    expect(node.errorsWithout(RESTARTED)).toEqual([]);
  },
  SECONDS * 1000 + 120_000,
);

/**
 * Workers are killed one after the other, while clients of four tenants ask for their own tags without a pause: one
 * tenant for each worker, and one that all three share. `CARPOOL_KILL_SECONDS=60` goes on for a minute.
 */

import { afterAll, beforeAll, expect, test } from "bun:test";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { Client } from "pg";
import { Ownership } from "../../../src/cluster/ownership.ts";
import { startPostgres, type TestPostgres } from "../../support/postgres.ts";
import { present } from "../../support/present.ts";
import { RunningProgram, runProgram } from "../../support/running-program.ts";
import { makeTemporaryFolder, type TemporaryFolder } from "../../support/temporary-folder.ts";
import { seededRandom } from "../chaos/seeded-random.ts";
import { Swarm } from "../chaos/swarm.ts";
import { WireClient, type WireTarget } from "../chaos/wire-client.ts";
import { WorkerKiller } from "./worker-killer.ts";

const WORKERS = 3;
const SECONDS = Number(process.env["CARPOOL_KILL_SECONDS"] ?? 12);
const KILL_EVERY_MS = 2500;
const COUNT_EVERY_MS = 20;
const POLL_MS = 20;
const CLIENTS_OF_EACH = 12;

/** The mean; with less, they alone would want all of two cores, and a worker's start would wait for its share. */
const THINK_MS = 25;

const POOL_SIZE = 3;
const SHARED_POOL_SIZE = 6;

/**
 * Of any exchange and any login, those included that wait for a worker: on a machine that has nothing else to do one
 * is there again after half a second. Here it says that nobody waits for ever, whatever else wants the cores.
 */
const WAIT_MAX_MS = 25_000;

const COUNT_BACKENDS =
  "select datname, count(*)::int as backends from pg_stat_activity " +
  "where backend_type = 'client backend' group by datname";

const SHARED = "shared";
const RESTARTED = "a worker has ended, and is started again";

/** Tenants by their names, each with a database of its name: how many servers it may have. */
const TENANTS: ReadonlyMap<string, number> = new Map([
  ...Array.from({ length: WORKERS }, (_, worker) => [ownedBy(worker), POOL_SIZE] as const),
  [SHARED, SHARED_POOL_SIZE],
]);

let postgres: TestPostgres;
let folder: TemporaryFolder;
let program: RunningProgram;

beforeAll(async () => {
  postgres = await startPostgres({ settings: { max_connections: "60" } });
  folder = await makeTemporaryFolder();
  // oxlint-disable-next-line no-await-in-loop -- each copies the same template
  for (const name of TENANTS.keys()) await postgres.query(`create database ${name}`);
  const { port, superuser, password } = postgres;
  const tenants = Array.from(TENANTS, ([name, poolSize]) => ({
    external_id: name,
    db_host: "127.0.0.1",
    db_port: port,
    db_database: name,
    default_pool_size: poolSize,
    owners: name === SHARED ? WORKERS : 1,
    users: [{ db_user: superuser, db_password: password }],
  }));
  await writeFile(join(folder.path, "tenants.json"), JSON.stringify(tenants));
  expect(await runProgram(["apply", "tenants.json"], folder.path)).toMatchObject({ exitCode: 0 });
  program = new RunningProgram(["start"], folder.path, { WORKERS: String(WORKERS) });
  await program.until("carpool is ready");
});
afterAll(async () => {
  await program[Symbol.asyncDispose]();
  await postgres[Symbol.asyncDispose]();
  await folder.remove();
});

/** Returns the name of a tenant whose first owner the worker is. */
function ownedBy(worker: number): string {
  const ownership = new Ownership(WORKERS);
  const names = Array.from({ length: 100 }, (_, at) => `tenant${at}`);
  return present(names.find((name) => ownership.ranking(name)[0] === worker));
}

function targetOf(tenant: string): WireTarget {
  const { superuser, password } = postgres;
  const port = Number(/"transaction":(\d+)/.exec(program.out)?.[1]);
  return { host: "127.0.0.1", port, user: `${superuser}.${tenant}`, password, database: tenant };
}

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

/** Resolves when a new client of each tenant was let in, for which its owner needs a server. */
async function untilAllServe(): Promise<void> {
  const deadlineMs = performance.now() + WAIT_MAX_MS;
  const serves = async (tenant: string): Promise<void> => {
    try {
      (await WireClient.connect(targetOf(tenant))).vanish();
    } catch (error) {
      if (performance.now() > deadlineMs) throw error;
      await Bun.sleep(POLL_MS);
      await serves(tenant);
    }
  };
  await Promise.all(
    Array.from(TENANTS.keys(), (tenant) => inTime(`${tenant} serves`, serves(tenant))),
  );
}

/** Counts the servers of each tenant until it is stopped; the most that were seen at a time. */
async function countBackends(watch: { over: boolean; readonly most: Map<string, number> }) {
  const client = new Client(postgres.connectionString());
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
    const killer = new WorkerKiller(program.process.pid, random);
    const swarms = Array.from(
      TENANTS.keys(),
      (tenant) => new Swarm(targetOf(tenant), CLIENTS_OF_EACH, random, THINK_MS, killer.excuses),
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
    for (const [tenant, serversMax] of TENANTS)
      expect(watch.most.get(tenant)).toBeWithin(1, serversMax + 1);
    for (const { queries, slowestMs } of counts) {
      expect(queries).toBeGreaterThan(100);
      expect(slowestMs).toBeLessThan(WAIT_MAX_MS);
    }
    expect(Math.max(...backMs)).toBeLessThan(WAIT_MAX_MS);
    expect(killer.deaths.length).toBeGreaterThan(SECONDS / 10);
    const errors = program.out.split("\n").filter((line) => line.includes('"level":"error"'));
    expect(errors.filter((line) => !line.includes(RESTARTED))).toEqual([]);
  },
  SECONDS * 1000 + 120_000,
);

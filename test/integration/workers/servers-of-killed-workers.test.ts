/**
 * Workers that are killed while they work: their servers count until they are gone.
 */

import { afterAll, afterEach, beforeAll, expect, test } from "bun:test";
import { join } from "node:path";
import { Client } from "pg";
import { openStore } from "../../../src/app/open-store.ts";
import { SystemClock } from "../../../src/app/system/system-clock.ts";
import { SystemRandom } from "../../../src/app/system/system-random.ts";
import { SystemWallClock } from "../../../src/app/system/system-wall-clock.ts";
import { Supervisor } from "../../../src/app/workers/supervisor.ts";
import type { SpawnedWorker, WorkerSpawner } from "../../../src/app/workers/worker-order.ts";
import { WorkerProcesses } from "../../../src/app/workers/worker-processes.ts";
import { loadConfig } from "../../../src/config/load-config.ts";
import { validateTenant } from "../../../src/tenants/validate-tenant.ts";
import { eventually } from "../../support/eventually.ts";
import { startPostgres, type TestPostgres } from "../../support/postgres.ts";
import { ServerSamples } from "../../support/server-samples.ts";
import { makeTemporaryFolder } from "../../support/temporary-folder.ts";

const WORKERS = 3;
const SIZE = 6;
const CLIENTS = 24;
const TIMEOUT_MS = 60_000;

/** Workers as processes, which the test can kill. */
class Killable implements WorkerSpawner {
  readonly living = new Map<number, SpawnedWorker>();
  readonly #processes = new WorkerProcesses();

  spawn(...order: Parameters<WorkerSpawner["spawn"]>): SpawnedWorker {
    const spawned = this.#processes.spawn(...order);
    this.living.set(order[0].worker, spawned);
    return spawned;
  }
}

let postgres: TestPostgres;
const leftovers = new AsyncDisposableStack();
const spawner = new Killable();
let supervisor: Supervisor;

beforeAll(async () => {
  postgres = await startPostgres();
  leftovers.use(postgres);
  const folder = leftovers.use(await makeTemporaryFolder());
  const env = {
    PROXY_PORT_TRANSACTION: "0",
    PROXY_PORT_SESSION: "0",
    PROXY_PORT_NATIVE: "0",
    LISTEN_ADDRESS: "127.0.0.1",
    DATA_DIRECTORY: join(folder.path, "data"),
    AUTH_FAILURE_LIMIT: "0",
    LOG_LEVEL: "error",
  };
  const loaded = loadConfig({ env, file: null });
  if (!loaded.ok) throw new Error(loaded.problems.join("\n"));
  const parts = {
    config: loaded.config,
    workingDirectory: folder.path,
    clock: new SystemClock(),
    wallClock: new SystemWallClock(),
    random: new SystemRandom(),
    logger: { debug: nothing, info: nothing, warn: nothing, error: nothing },
  };
  const { store } = await openStore(parts.config, parts);
  leftovers.defer(() => store.close());
  const checked = validateTenant(
    {
      external_id: "dev",
      db_host: "127.0.0.1",
      db_port: postgres.port,
      db_database: "postgres",
      users: [{ db_user: postgres.superuser, db_password: postgres.password, pool_size: SIZE }],
      owners: WORKERS,
    },
    { globalUpstreamCa: false },
  );
  if (!checked.ok) throw new Error(JSON.stringify(checked.problems));
  await store.write([{ kind: "put", tenant: checked.value }]);
  supervisor = new Supervisor({
    ...parts,
    workers: WORKERS,
    spawner,
    store,
    sockets: null,
  });
  await supervisor.start();
  leftovers.defer(() => supervisor.stop(0));
}, TIMEOUT_MS);
afterAll(async () => {
  await leftovers.disposeAsync();
}, TIMEOUT_MS);
afterEach(async () => {
  await eventually(() => expect(supervisor.serving).toBe(WORKERS));
});

async function connect(): Promise<Client> {
  const client = new Client({
    host: "127.0.0.1",
    port: supervisor.ports.transaction,
    user: `${postgres.superuser}.dev`,
    password: postgres.password,
    database: "postgres",
  });
  client.on("error", nothing);
  await client.connect();
  return client;
}

/** Runs transactions until `untilMs`, and connects again after each error. Returns how many succeeded. */
async function load(untilMs: number): Promise<number> {
  let client: Client | null = null;
  let done = 0;
  while (performance.now() < untilMs) {
    try {
      // oxlint-disable-next-line no-await-in-loop -- one transaction after the other
      client ??= await connect();
      // oxlint-disable-next-line no-await-in-loop -- one transaction after the other
      await client.query(`select pg_sleep(${done % 7 === 0 ? 0.2 : 0.005})`);
      done += 1;
    } catch {
      // oxlint-disable-next-line no-await-in-loop -- one transaction after the other
      await client?.end().catch(nothing);
      client = null;
      // oxlint-disable-next-line no-await-in-loop -- a worker takes its time to come again
      await Bun.sleep(20);
    }
  }
  await client?.end().catch(nothing);
  return done;
}

test(
  "no more servers than the pool's size are open while workers are killed one after the other",
  async () => {
    await using samples = await ServerSamples.start(postgres);
    const until = performance.now() + 6_000;
    const loads = Array.from({ length: CLIENTS }, () => load(until));
    for (const worker of [0, 1, 2]) {
      // oxlint-disable-next-line no-await-in-loop -- under load, and not all at once
      await Bun.sleep(1_300);
      spawner.living.get(worker)?.kill();
    }
    const done = await Promise.all(loads);
    await samples.end();
    expect(samples.most).toBeLessThanOrEqual(SIZE);
    expect(samples.most).toBeGreaterThan(SIZE / 2);
    expect(samples.count).toBeGreaterThan(100);
    expect(Math.min(...done)).toBeGreaterThan(0);
  },
  TIMEOUT_MS,
);

test(
  "queries of a killed worker are cancelled, and all servers are to be had again",
  async () => {
    await using samples = await ServerSamples.start(postgres);
    const clients = await Promise.all(Array.from({ length: SIZE }, connect));
    const sleeps = clients.map((client) => client.query("select pg_sleep(60)").catch(nothing));
    await eventually(async () => expect(await samples.now()).toBe(SIZE));
    for (const worker of spawner.living.values()) worker.kill();
    await Promise.all(sleeps);
    await eventually(() => expect(supervisor.serving).toBe(WORKERS));
    const again = await Promise.all(Array.from({ length: SIZE }, connect));
    await Promise.all(again.map((client) => client.query("begin")));
    expect(await samples.now()).toBe(SIZE);
    await samples.end();
    expect(samples.most).toBe(SIZE);
    await Promise.all([...clients, ...again].map((client) => client.end().catch(nothing)));
  },
  TIMEOUT_MS,
);

function nothing(): void {
  // What goes wrong is looked at by what follows from it.
}

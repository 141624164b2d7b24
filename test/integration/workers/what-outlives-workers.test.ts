/**
 * What an operator has said, and what attackers have done, outlives the workers it was done at: real processes that
 * are killed, and a tenant that all of them own.
 */

import { afterAll, beforeAll, beforeEach, expect, test } from "bun:test";
import { join } from "node:path";
import { openStore } from "../../../src/app/open-store.ts";
import { SystemClock } from "../../../src/app/system/system-clock.ts";
import { SystemRandom } from "../../../src/app/system/system-random.ts";
import { SystemWallClock } from "../../../src/app/system/system-wall-clock.ts";
import { Supervisor } from "../../../src/app/workers/supervisor.ts";
import type { SpawnedWorker } from "../../../src/app/workers/worker-order.ts";
import { WorkerProcesses } from "../../../src/app/workers/worker-processes.ts";
import { loadConfig } from "../../../src/config/load-config.ts";
import { validateTenant } from "../../../src/tenants/validate-tenant.ts";
import { eventually } from "../../support/eventually.ts";
import { query } from "../../support/frontend-messages.ts";
import { startPostgres, type TestPostgres } from "../../support/postgres.ts";
import { RawClient } from "../../support/raw-client.ts";
import { makeTemporaryFolder } from "../../support/temporary-folder.ts";

const WORKERS = 3;
const FAILURES = 6;
const PLACES = 8;
const TIMEOUT_MS = 60_000;

const leftovers = new AsyncDisposableStack();
const living = new Map<number, SpawnedWorker>();
let postgres: TestPostgres;
let supervisor: Supervisor;

beforeAll(async () => {
  postgres = leftovers.use(await startPostgres());
  const folder = leftovers.use(await makeTemporaryFolder());
  const env = {
    PROXY_PORT_TRANSACTION: "0",
    PROXY_PORT_SESSION: "0",
    PROXY_PORT_NATIVE: "0",
    LISTEN_ADDRESS: "127.0.0.1",
    DATA_DIRECTORY: join(folder.path, "data"),
    AUTH_FAILURE_LIMIT: String(FAILURES),
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
      users: [{ db_user: postgres.superuser, db_password: postgres.password }],
      owners: WORKERS,
      max_client_connections: PLACES,
    },
    { globalUpstreamCa: false },
  );
  if (!checked.ok) throw new Error(JSON.stringify(checked.problems));
  await store.write([{ kind: "put", tenant: checked.value }]);
  const processes = new WorkerProcesses();
  supervisor = new Supervisor({
    ...parts,
    workers: WORKERS,
    spawner: {
      spawn: (order, descriptors) => {
        const spawned = processes.spawn(order, descriptors);
        living.set(order.worker, spawned);
        return spawned;
      },
    },
    store,
    sockets: null,
  });
  await supervisor.start();
  leftovers.defer(() => supervisor.stop(0));
}, TIMEOUT_MS);
afterAll(() => leftovers.disposeAsync(), TIMEOUT_MS);
beforeEach(async () => {
  await eventually(() => expect(supervisor.serving).toBe(WORKERS));
});

async function connect(password = postgres.password): Promise<RawClient> {
  const { transaction: port } = supervisor.ports;
  const user = `${postgres.superuser}.dev`;
  return RawClient.connect({ host: "127.0.0.1", port, user, password, database: "postgres" });
}

/** Returns "in", or what a client is told that wants to log in; it leaves at once. */
async function logIn(password?: string): Promise<string> {
  try {
    const client = await connect(password);
    await client[Symbol.asyncDispose]();
    return "in";
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

async function killAll(): Promise<void> {
  for (const worker of living.values()) worker.kill();
  await eventually(() => expect(supervisor.serves).toBe(false));
  await eventually(() => expect(supervisor.serving).toBe(WORKERS));
}

test(
  "a pause holds at workers that come after it, and ends with a resume",
  async () => {
    expect((await supervisor.traffic.pause("dev", 10_000)).paused).toBe(true);
    await killAll();
    expect((await supervisor.traffic.state("dev")).paused).toBe(true);
    const opening = connect(); // its welcome needs a server
    await eventually(async () => {
      expect((await supervisor.traffic.state("dev")).clientsWaiting).toBe(1);
    });
    await supervisor.traffic.resume("dev");
    await using client = await opening;
    expect(await client.run(query("select 1"))).not.toBeEmpty();
  },
  TIMEOUT_MS,
);

test(
  "a ban holds at workers that come after it, and is lifted at all of them",
  async () => {
    for (let attempt = 0; attempt < FAILURES; attempt += 1)
      // oxlint-disable-next-line no-await-in-loop -- one after the other
      expect(await logIn("wrong")).toContain("password authentication failed");
    await eventually(async () => {
      for (const words of await Promise.all(Array.from({ length: 9 }, () => logIn())))
        expect(words).toContain("too many failed logins");
    });
    await killAll();
    for (const words of await Promise.all(Array.from({ length: 9 }, () => logIn())))
      expect(words).toContain("too many failed logins");
    expect(await supervisor.traffic.addressBans("dev")).toHaveLength(1);
    expect(await supervisor.traffic.liftAddressBans("dev", ["127.0.0.1"])).toEqual([]);
    for (const outcome of await Promise.all(Array.from({ length: 6 }, () => logIn())))
      expect(outcome).toBe("in");
  },
  TIMEOUT_MS,
);

test(
  "the places of a killed worker's clients are others' at once, and no more than those",
  async () => {
    await eventually(async () => {
      expect((await supervisor.traffic.state("dev")).clients).toBe(0);
    });
    await using stack = new AsyncDisposableStack();
    for (let count = 0; count < PLACES; count += 1)
      // oxlint-disable-next-line no-await-in-loop -- one after the other
      stack.use(await connect());
    expect(await logIn()).toContain(`the limit is ${PLACES}.`);
    living.get(1)?.kill();
    await eventually(() => expect(supervisor.serving).toBe(WORKERS - 1));
    await eventually(() => expect(supervisor.serving).toBe(WORKERS));
    const { clients } = await supervisor.traffic.state("dev");
    const ins: string[] = [];
    for (let attempt = clients; attempt < PLACES + 3; attempt += 1) {
      // oxlint-disable-next-line no-await-in-loop -- one after the other
      const opened = await connect().catch(String);
      if (typeof opened !== "string") stack.use(opened);
      ins.push(typeof opened === "string" ? opened : "in");
    }
    expect(ins.filter((outcome) => outcome === "in")).toHaveLength(PLACES - clients);
    expect((await supervisor.traffic.state("dev")).clients).toBe(PLACES);
  },
  TIMEOUT_MS,
);

function nothing(): void {
  // Nobody listens.
}

/**
 * A pooler whose tenants all have a server open, and its clients: some of one tenant, and some of all.
 */

import { chmod, mkdir } from "node:fs/promises";
import { join } from "node:path";
import { CrowdProcess } from "../crowd/crowd-process.ts";
import type { CrowdTarget } from "../crowd/crowd-protocol.ts";
import {
  CROWD_PASSWORD,
  CROWD_USER,
  type ManyTenants,
  runCarpoolWithTenants,
  runPgbouncerWithTenants,
  TENANT_PREFIX,
} from "../crowd/many-tenants.ts";
import { SplitCrowd } from "../crowd/split-crowd.ts";
import { connectionsPerProcess } from "../descriptor-limit.ts";
import type { FakePostgres } from "../fake-postgres/fake-postgres.ts";
import type { LoadReport } from "../load/load-protocol.ts";
import { kernelCpuSeconds, processCpuSeconds } from "../process-cpu-time.ts";
import { proportionalTreeBytes } from "../process-tree.ts";
import { residentBytesAtRest } from "../resident-memory.ts";
import type { Sample } from "../sample.ts";

const POOL_SIZE = 20;

export type PoolerName = "carpool" | "pgbouncer";

/** `one`: a single tenant is busy. `all`: the same number of queries at a time goes round over the clients of all. */
export type LoadShape = "one" | "all";

export interface FieldSettings {
  readonly pooler: PoolerName;
  readonly tenants: number;
  /** Of Carpool. */
  readonly workers: number;
  /** Queries under way at any time. */
  readonly inFlight: number;
  readonly servers: FakePostgres;
  /** Exists; a new folder is made in it. */
  readonly folder: string;
}

/** One measured window. */
export interface CurveSample extends Sample {
  /** The part of the CPU time that the system has used. */
  readonly kernelSeconds: number;
}

export interface Field extends AsyncDisposable {
  readonly pooler: PoolerName;
  readonly version: string;
  /** How long it took until each tenant had been asked for once. */
  readonly openedSeconds: number;
  /** With all pools open, and no client. */
  readonly bytes: number;
  /** Of all tenants. Fewer than tenants where servers left no descriptors for more. */
  readonly clients: number;
  /** Load that counts. Whoever has no part in it is connected and idle. */
  sample(shape: LoadShape, seconds: number): Promise<CurveSample>;
  /** Load that doesn't. */
  warmUp(shape: LoadShape, seconds: number): Promise<void>;
}

/** Whether the servers and a few clients fit into the process of a pooler. */
export function fits(tenants: number, processes: number, inFlight: number): boolean {
  return tenants + 3 * inFlight <= processes * connectionsPerProcess();
}

/** Starts the pooler, opens all pools, and connects the clients. */
export async function openField(settings: FieldSettings): Promise<Field> {
  const { pooler, tenants, workers, inFlight, servers } = settings;
  await using stack = new AsyncDisposableStack();
  const folder = join(settings.folder, `${pooler}-${tenants}`);
  await mkdir(folder);
  await chmod(folder, 0o755); // PgBouncer may run under another account than the bench
  const processes = pooler === "carpool" ? workers : 1;
  const room = processes * connectionsPerProcess() - tenants - 2 * inFlight;
  const clients = Math.max(inFlight, Math.min(tenants, room));
  const clientsMax = clients + 2 * inFlight;
  const running = stack.use(
    await run(
      pooler,
      folder,
      { count: tenants, poolSize: POOL_SIZE, servers, clientsMax },
      workers,
    ),
  );
  const target: CrowdTarget = {
    hosts: ["127.0.0.1"],
    port: running.port,
    user: CROWD_USER,
    password: CROWD_PASSWORD,
    databasePrefix: TENANT_PREFIX,
    databases: tenants,
  };
  const all = stack.use(new SplitCrowd(target, Math.max(tenants, clients)));
  const one = stack.use(new CrowdProcess());
  const openedSeconds = await all.visit(tenants);
  const bytes = await bytesOf(running.pid, processes);
  await one.open({ target: { ...target, databases: 1 }, clients: inFlight, first: 0 });
  await all.open(clients);
  const loop = (shape: LoadShape, seconds: number): Promise<LoadReport> =>
    (shape === "one" ? one : all).loop(seconds, inFlight);
  const everything = stack.move();
  return {
    pooler,
    version: running.version,
    openedSeconds,
    bytes,
    clients,
    sample: async (shape, seconds) => {
      const before = processCpuSeconds(running.pid);
      const kernelBefore = kernelCpuSeconds(running.pid);
      const report = await loop(shape, seconds);
      return {
        ...report,
        cpuSeconds: processCpuSeconds(running.pid) - before,
        kernelSeconds: kernelCpuSeconds(running.pid) - kernelBefore,
      };
    },
    warmUp: async (shape, seconds) => {
      await loop(shape, seconds);
    },
    [Symbol.asyncDispose]: () => everything.disposeAsync(),
  };
}

interface RunningPooler extends AsyncDisposable {
  readonly port: number;
  readonly pid: number;
  readonly version: string;
}

function run(
  pooler: PoolerName,
  folder: string,
  tenants: ManyTenants,
  workers: number,
): Promise<RunningPooler> {
  if (pooler === "pgbouncer") return runPgbouncerWithTenants(folder, tenants);
  return runCarpoolWithTenants(folder, tenants, {
    WORKERS: String(workers),
    MAX_CONNECTIONS: String(tenants.clientsMax + 64), // servers get the descriptors that clients leave
  });
}

/** Of several processes, a page that they share counts once. */
async function bytesOf(pid: number, processes: number): Promise<number> {
  const resident = await residentBytesAtRest(pid);
  return processes === 1 ? resident : proportionalTreeBytes(pid);
}

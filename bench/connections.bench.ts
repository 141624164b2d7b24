/**
 * `npm run bench:connections`: very many clients that are logged in and idle, and a few queries a second over all of
 * them: how fast they come, what they take of memory, how long a query lasts. Carpool alone: PgBouncer is one process.
 */

import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Command } from "commander";

import { Horde } from "./connections/horde.ts";
import { kernelBytes } from "./connections/kernel-memory.ts";
import {
  CROWD_PASSWORD,
  CROWD_USER,
  runCarpoolWithTenants,
  TENANT_PREFIX,
} from "./crowd/many-tenants.ts";
import { connectionsPerProcess } from "./descriptor-limit.ts";
import { startFakePostgres } from "./fake-postgres/fake-postgres.ts";
import { LatencyHistogram } from "./load/latency-histogram.ts";
import { describeMachine } from "./machine.ts";
import { processCpuSeconds } from "./process-cpu-time.ts";
import { proportionalTreeBytes } from "./process-tree.ts";

/** The kernel spreads clients over workers by chance, not evenly. */
const CLIENTS_PER_WORKER = 0.8 * connectionsPerProcess();
/** Without the setting, a quarter of a worker's descriptors is kept for servers: more than these tenants have. */
const UNEVENNESS = 1.2;
const WORKERS_MAX = 64;
const POOL_SIZE = 10;
const WARM_UP_SECONDS = 5;
/** Clients that pay for what grows but once. */
const FIRST_CLIENTS = 2000;
/** Garbage is collected, and freed pages given back, some time after the work. */
const REST_MS = 5000;

const HEAD = `| clients | workers | tenants | logins a second | CPU µs/login | MB | bytes/further client | the kernel's | queries a second | CPU µs/query | p50 µs | p99 µs |
| ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |`;

interface ConnectionsOptions {
  readonly clients: string;
  readonly steps: string;
  readonly tenants: string;
  readonly workers?: string;
  readonly rate: string;
  readonly seconds: string;
}

const program = new Command("bench:connections")
  .description("Very many idle clients, with some queries on top")
  .option("--clients <count>", "clients in the end; 1000000 needs some 20 GB", "100000")
  .option("--steps <count>", "lines: measured after each part of the clients", "2")
  .option("--tenants <count>", "over which the clients are spread", "100")
  .option("--workers <count>", "Carpool's; by default as many as the clients need")
  .option("--rate <count>", "queries a second over all clients", "1000")
  .option("--seconds <seconds>", "for which queries are measured at each step", "15");

await measureConnections(program.parse().opts<ConnectionsOptions>());

async function measureConnections(options: ConnectionsOptions): Promise<void> {
  const [clients, tenants] = [Number(options.clients), Number(options.tenants)];
  const workers = Number(options.workers ?? Math.ceil(clients / CLIENTS_PER_WORKER));
  if (workers > WORKERS_MAX) throw new Error(`${workers} workers are needed: too many`);
  console.log(`machine: ${JSON.stringify(describeMachine())}`);
  console.log(`options: ${JSON.stringify({ ...options, workers })}\n`);
  await using stack = new AsyncDisposableStack();
  const folder = await mkdtemp(join(tmpdir(), "carpool-bench-"));
  stack.defer(() => rm(folder, { recursive: true, force: true }));
  const servers = stack.use(await startFakePostgres(folder, 1));
  const carpool = stack.use(
    await runCarpoolWithTenants(
      folder,
      { count: tenants, poolSize: POOL_SIZE, servers, clientsMax: clients + FIRST_CLIENTS },
      {
        WORKERS: String(workers),
        LISTEN_ADDRESS: "0.0.0.0",
        MAX_CONNECTIONS: String(Math.ceil(UNEVENNESS * clients)),
      },
    ),
  );
  const horde = stack.use(
    new Horde({
      port: carpool.port,
      user: CROWD_USER,
      password: CROWD_PASSWORD,
      databasePrefix: TENANT_PREFIX,
      databases: tenants,
    }),
  );
  await horde.grow(Math.min(FIRST_CLIENTS, Math.ceil(clients / 10)));
  await horde.pace(WARM_UP_SECONDS, Number(options.rate));
  console.log(HEAD);
  const steps = Number(options.steps);
  for (let step = 1; step <= steps; step += 1)
    console.log(
      await measureStep(horde, Math.ceil((clients * step) / steps), carpool.pid, {
        ...options,
        workers,
      }),
    );
}

/** More clients, until there are `clients`; then queries. Returns a line of the table. */
async function measureStep(
  horde: Horde,
  clients: number,
  pid: number,
  {
    workers,
    tenants,
    rate,
    seconds,
  }: Omit<ConnectionsOptions, "workers"> & { readonly workers: number },
): Promise<string> {
  const further = clients - horde.clients;
  const before = await memoryOf(pid);
  const cpuBefore = processCpuSeconds(pid);
  const openedSeconds = await horde.grow(further);
  const loginCpu = processCpuSeconds(pid) - cpuBefore;
  const after = await memoryOf(pid);
  const cpuIdle = processCpuSeconds(pid);
  const report = await horde.pace(Number(seconds), Number(rate));
  const queryCpu = processCpuSeconds(pid) - cpuIdle;
  const latencies = new LatencyHistogram();
  latencies.add(report.latencyCounts);
  const cells = [
    clients,
    workers,
    tenants,
    (further / openedSeconds).toFixed(0),
    ((loginCpu * 1e6) / further).toFixed(0),
    (after.pooler / 1e6).toFixed(0),
    ((after.pooler - before.pooler) / further).toFixed(0),
    ((after.kernel - before.kernel) / further).toFixed(0),
    (report.transactions / report.seconds).toFixed(0),
    ((queryCpu * 1e6) / report.transactions).toFixed(1),
    latencies.quantile(0.5),
    latencies.quantile(0.99),
  ];
  return `| ${cells.join(" | ")} |`;
}

async function memoryOf(pid: number): Promise<{ pooler: number; kernel: number }> {
  await Bun.sleep(REST_MS);
  return { pooler: proportionalTreeBytes(pid), kernel: kernelBytes() };
}

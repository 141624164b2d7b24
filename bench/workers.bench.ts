/**
 * `npm run bench:workers`: what a transaction costs with one and several workers, summed over all their processes:
 * with its client on the worker that owns the tenant, on another one, and where all workers own it.
 */

import { chmod, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Command } from "commander";
import { startDatabase } from "./embedded-database.ts";
import { describeMachine } from "./machine.ts";
import { availablePeers } from "./peers/available-peers.ts";
import { PGBOUNCER } from "./peers/pgbouncer.ts";
import { median, summarise } from "./summary.ts";
import {
  folderOf,
  type Layout,
  layoutsOf,
  type RunningLayout,
  type Side,
} from "./workers/layouts.ts";
import { PlacedLoad, type PlacedSample } from "./workers/placed-load.ts";

/** Connections open for a while until enough clients are on the right worker. */
const CLIENTS_FACTOR = 16;
const CLIENTS_LEAST = 100;
/** Each worker compiles as it runs, and servers move to where clients wait. */
const FIRST_WARM_UP_SECONDS = 3;
const WARM_UP_SECONDS = 0.3;
const SPARE_CONNECTIONS = 20;

const HEAD = `| scenario | clients | pooler | clients are on | tps | CPU µs/tx, all processes | min-max | owners | others | × 1 worker | × pgbouncer | p50 µs | p99 µs |
| --- | ---: | --- | --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |`;

interface WorkersOptions {
  readonly scenario: string;
  readonly clients: string;
  readonly workers: string;
  readonly poolSize: string;
  readonly sharedPoolSize: string;
  readonly rounds: string;
  readonly seconds: string;
}

const program = new Command("bench:workers")
  .description("CPU time per transaction with one and several workers")
  .option("--scenario <names>", "of those of npm run bench", "simple,prepared,simple-tls")
  .option("--clients <counts>", "clients in closed loops", "1,50")
  .option("--workers <counts>", "layouts", "1,2,4")
  .option("--pool-size <count>", "where one worker owns the tenant", "20")
  .option("--shared-pool-size <count>", "where all do", "40")
  .option("--rounds <count>", "windows for each line", "3")
  .option("--seconds <seconds>", "length of a window", "1");

await measureWorkers(program.parse().opts<WorkersOptions>());

/** A layout that runs. */
interface Contender {
  readonly layout: Layout;
  readonly running: RunningLayout;
}

async function measureWorkers(options: WorkersOptions): Promise<void> {
  console.log(`machine: ${JSON.stringify(describeMachine())}`);
  console.log(`options: ${JSON.stringify(options)}\n`);
  const counts = numbers(options.clients);
  const clientsMax = Math.max(CLIENTS_LEAST, Math.max(...counts) * CLIENTS_FACTOR);
  const withPgbouncer = (await availablePeers([PGBOUNCER])).length > 0;
  const layouts = layoutsOf(
    numbers(options.workers),
    Number(options.poolSize),
    Number(options.sharedPoolSize),
  ).filter(({ name }) => withPgbouncer || name !== PGBOUNCER.name);
  await using stack = new AsyncDisposableStack();
  const folder = await mkdtemp(join(tmpdir(), "carpool-bench-"));
  stack.defer(() => rm(folder, { recursive: true, force: true }));
  await chmod(folder, 0o755); // PostgreSQL and PgBouncer may run under another account than the bench
  const servers = layouts.reduce((sum, { poolSize }) => sum + poolSize, SPARE_CONNECTIONS);
  const database = stack.use(await startDatabase(folder, servers));
  const contenders: Contender[] = [];
  for (const layout of layouts) {
    const own = await folderOf(folder, layout);
    await chmod(own, 0o755);
    contenders.push({ layout, running: stack.use(await layout.start(database, own, clientsMax)) });
  }
  console.log(HEAD);
  for (const scenario of options.scenario.split(","))
    for (const clients of counts)
      await measureLines(
        contenders,
        { scenario, clients, serverPort: database.target.port },
        options,
      );
}

interface LoadShape {
  readonly scenario: string;
  readonly clients: number;
  readonly serverPort: number;
}

/** A line of the table in the making. */
interface Line {
  readonly name: string;
  readonly side: Side;
  readonly load: PlacedLoad;
  readonly samples: PlacedSample[];
}

async function measureLines(
  contenders: readonly Contender[],
  { scenario, clients, serverPort }: LoadShape,
  { rounds, seconds }: WorkersOptions,
): Promise<void> {
  await using stack = new AsyncDisposableStack();
  const lines: Line[] = [];
  for (const { layout, running } of contenders)
    for (const side of layout.sides) {
      const load = stack.use(
        await PlacedLoad.connect(running, scenario, clients, side, serverPort),
      );
      lines.push({ name: layout.name, side, load, samples: [] });
    }
  for (const { load } of lines) await load.run(FIRST_WARM_UP_SECONDS);
  for (let round = 0; round < Number(rounds); round += 1)
    for (const { load, samples } of round % 2 === 0 ? lines : lines.toReversed()) {
      await load.run(WARM_UP_SECONDS);
      samples.push(await load.run(Number(seconds)));
    }
  const samplesOf = (name: string): PlacedSample[] | null =>
    lines.find((line) => line.name === name)?.samples ?? null;
  for (const line of lines)
    console.log(
      rowOf(line, `${scenario} | ${clients}`, samplesOf("1 worker"), samplesOf("pgbouncer")),
    );
}

function rowOf(
  { name, side, samples }: Line,
  load: string,
  single: readonly PlacedSample[] | null,
  yardstick: readonly PlacedSample[] | null,
): string {
  const summary = summarise(samples, yardstick);
  const micros = (of: (sample: PlacedSample) => number): string =>
    median(samples.map((sample) => (of(sample) * 1e6) / sample.transactions)).toFixed(1);
  const hasWorkers = samples.some(({ ownersCpuSeconds }) => ownersCpuSeconds > 0);
  const cells = [
    load,
    name,
    side === "any" ? "" : side,
    summary.tps.toFixed(0),
    summary.cpuMicros.toFixed(1),
    `${summary.cpuMicrosMin.toFixed(1)}-${summary.cpuMicrosMax.toFixed(1)}`,
    hasWorkers ? micros(({ ownersCpuSeconds }) => ownersCpuSeconds) : "",
    hasWorkers ? micros((sample) => sample.cpuSeconds - sample.ownersCpuSeconds) : "",
    summarise(samples, single).cpuRatio?.toFixed(2) ?? "-",
    summary.cpuRatio?.toFixed(2) ?? "-",
    summary.p50Micros,
    summary.p99Micros,
  ];
  return `| ${cells.join(" | ")} |`;
}

function numbers(text: string): number[] {
  return text.split(",").map(Number);
}

/**
 * `npm run soak -- --minutes 120 [--think MS] [--out FOLDER]`: mixed tagged load with everything that
 * goes wrong in it, on a pooler in a process of its own. Writes soak.csv and soak.svg, and ends with code
 * 1 if an answer was not its asker's or a server lost its synchronisation.
 */

import { appendFile, mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { Chaos } from "../../test/integration/chaos/chaos.ts";
import { seededRandom } from "../../test/integration/chaos/seeded-random.ts";
import { Swarm } from "../../test/integration/chaos/swarm.ts";
import { startPostgres } from "../../test/support/postgres.ts";
import { soakGraph } from "./soak-graph.ts";
import { CSV_HEADER, csvLine, type SoakSample } from "./soak-sample.ts";

const PROGRAM = fileURLToPath(new URL("soaked-pooler.ts", import.meta.url));
const CLIENTS = 100;
const POOL_SIZE = 5;
const MINUTE_MS = 60_000;
const SAMPLE_EVERY_MS = 5000;
const PACE = { vanishMs: 200, cancelMs: 20, guessKeyMs: 500, terminateMs: 5000 };

const { values } = parseArgs({
  options: {
    minutes: { type: "string", default: "120" },
    think: { type: "string", default: "100" },
    seed: { type: "string" },
    out: { type: "string", default: "bench/results" },
  },
});
const seed = Number(values.seed ?? Math.floor(Math.random() * 2 ** 31));
console.log(`seed ${seed}`);

await using postgres = await startPostgres();
const messages: Record<string, number>[] = [];
let arrived = Promise.withResolvers<void>();
const child = Bun.spawn([process.execPath, PROGRAM, `${postgres.port}`, `${POOL_SIZE}`, "1000"], {
  stdio: ["ignore", "inherit", "inherit"],
  ipc(message: Record<string, number>) {
    messages.push(message);
    arrived.resolve();
  },
});
const port = (await nextMessage())["port"] ?? 0;
const { superuser, password } = postgres;
const target = {
  host: "127.0.0.1",
  port,
  user: `${superuser}.dev`,
  password,
  database: "postgres",
};
const swarm = new Swarm(target, CLIENTS, seededRandom(seed), Number(values.think));
const chaos = new Chaos(swarm, target, postgres, seededRandom(seed + 1));
const running = Promise.all([swarm.run(), chaos.run(PACE)]);
const samples = await takeSamples();
swarm.stop();
chaos.stop();
await running;
child.disconnect();
await child.exited;
for (const violation of swarm.violations) console.log(violation);
const last = samples.at(-1);
const faults = (last?.desyncTotal ?? 1) + (last?.internalErrorsTotal ?? 1);
process.exitCode = faults + swarm.violations.length > 0 || chaos.backendsMax > POOL_SIZE ? 1 : 0;

async function takeSamples(): Promise<readonly SoakSample[]> {
  const taken: SoakSample[] = [];
  const startMs = performance.now();
  const endMs = startMs + Number(values.minutes) * MINUTE_MS;
  await mkdir(values.out, { recursive: true });
  const csv = join(values.out, "soak.csv");
  await writeFile(csv, CSV_HEADER);
  while (performance.now() < endMs && !swarm.stopping) {
    await Bun.sleep(SAMPLE_EVERY_MS);
    const sample = await takeSample((performance.now() - startMs) / 1000, taken.at(-1));
    taken.push(sample);
    console.log(csvLine(sample).trimEnd());
    await appendFile(csv, csvLine(sample));
  }
  await writeFile(join(values.out, "soak.svg"), soakGraph(taken));
  return taken;
}

async function takeSample(seconds: number, before: SoakSample | undefined): Promise<SoakSample> {
  child.send("sample");
  const { desyncTotal = 0, internalErrorsTotal = 0 } = await nextMessage();
  const { queries } = swarm.counts;
  const elapsed = seconds - (before?.seconds ?? 0);
  return {
    seconds,
    rssBytes: await residentBytes(child.pid),
    queriesPerSecond: (queries - (before?.queries ?? 0)) / elapsed,
    queries,
    desyncTotal,
    internalErrorsTotal,
    violations: swarm.violations.length,
  };
}

async function nextMessage(): Promise<Record<string, number>> {
  for (;;) {
    const message = messages.shift();
    if (message !== undefined) return message;
    await arrived.promise;
    arrived = Promise.withResolvers<void>();
  }
}

async function residentBytes(pid: number): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, "utf8");
  return Number(/VmRSS:\s+(\d+) kB/.exec(status)?.[1] ?? 0) * 1024;
}

/**
 * `npm run chaos -- --minutes N [--seed N]`: tagged results for as long as one likes. Prints a line every
 * ten seconds, and ends with code 1 at the first answer that was not its asker's.
 */

import { parseArgs } from "node:util";
import { startPooler } from "../../support/pooler.ts";
import { startPostgres } from "../../support/postgres.ts";
import { Chaos } from "./chaos.ts";
import { seededRandom } from "./seeded-random.ts";
import { Swarm } from "./swarm.ts";

const CLIENTS = 200;
const POOL_SIZE = 5;
const MINUTE_MS = 60_000;
const LINE_EVERY_MS = 10_000;
const PACE = { vanishMs: 25, cancelMs: 1, guessKeyMs: 50, terminateMs: 400 };

const { values } = parseArgs({
  options: { minutes: { type: "string", default: "1" }, seed: { type: "string" } },
});
const seed = Number(values.seed ?? Math.floor(Math.random() * 2 ** 31));
const endMs = performance.now() + Number(values.minutes) * MINUTE_MS;

await using postgres = await startPostgres();
await using pooler = await startPooler(postgres, {
  tenant: { default_pool_size: POOL_SIZE, default_max_clients: 2 * CLIENTS },
});
const target = pooler.target();
const swarm = new Swarm(target, CLIENTS, seededRandom(seed));
const chaos = new Chaos(swarm, target, postgres, seededRandom(seed + 1));
const running = Promise.all([swarm.run(), chaos.run(PACE)]);
print(`seed ${seed}`);
while (performance.now() < endMs && !swarm.stopping) {
  // oxlint-disable-next-line no-await-in-loop -- the pace of the lines
  await Bun.sleep(Math.min(LINE_EVERY_MS, Math.max(0, endMs - performance.now())));
  const { desyncTotal, internalErrorsTotal } = pooler.pooler.counters;
  print(JSON.stringify([swarm.counts, { desyncTotal, internalErrorsTotal }, chaos.backendsMax]));
}
swarm.stop();
chaos.stop();
await running;
for (const violation of swarm.violations) print(violation);
const { desyncTotal, internalErrorsTotal } = pooler.pooler.counters;
const faults = swarm.violations.length + desyncTotal + internalErrorsTotal;
process.exitCode = faults > 0 || chaos.backendsMax > POOL_SIZE ? 1 : 0;

function print(line: string): void {
  process.stdout.write(`${line}\n`);
}

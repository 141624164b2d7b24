/**
 * `npm run bench`: Carpool beside PgBouncer under the same load, interleaved. How to read what it
 * prints: README.md in this folder.
 */

import { type Arena, openArena } from "./arena.ts";
import type { Line } from "./line.ts";
import { describeMachine } from "./machine.ts";
import { type BenchOptions, parseOptions } from "./options.ts";
import { YARDSTICK } from "./peers/catalogue.ts";
import type { Peer } from "./peers/peer.ts";
import { measureLines } from "./rounds.ts";
import { tableHead, tableRow } from "./table.ts";

async function main(options: BenchOptions): Promise<void> {
  const machine = describeMachine();
  const peers = await availablePeers(options.peers);
  if (peers.length === 0) throw new Error("no peer to measure");
  await using arena = await openArena({
    peers,
    poolSize: options.poolSize,
    clientsMax: Math.max(...options.clients),
  });
  stopOnSignals(arena);
  const versions = Object.fromEntries(
    arena.contenders.map(({ label, peer }) => [label, peer.version]),
  );
  const facts = { machine, versions, database: arena.database.version, ...plainOptions(options) };
  const print = options.json ? () => undefined : (text: string) => console.log(text);
  for (const [name, value] of Object.entries(facts)) print(`${name}: ${JSON.stringify(value)}`);
  print(`\n${tableHead()}`);
  const lines = await measureAll(arena, options, (line) => print(tableRow(line)));
  if (options.json) console.log(JSON.stringify({ ...facts, lines }, null, 2));
}

/** Those that can run here; says on standard error which can't, and why. */
async function availablePeers(peers: readonly Peer[]): Promise<Peer[]> {
  const reasons = await Promise.all(peers.map((peer) => peer.unavailable()));
  return peers.filter((peer, index) => {
    const reason = reasons[index] ?? null;
    if (reason !== null) console.error(`${peer.name} skipped: ${reason}`);
    return reason === null;
  });
}

async function measureAll(
  arena: Arena,
  options: BenchOptions,
  onLine: (line: Line) => void,
): Promise<Line[]> {
  const all: Line[] = [];
  for (const { name: scenario } of options.scenario) {
    for (const clients of options.clients) {
      const { seconds, warmup: warmupSeconds, rounds } = options;
      const settings = { scenario, clients, seconds, warmupSeconds };
      const lines = await measureLines(arena.contenders, settings, rounds, YARDSTICK);
      for (const line of lines) onLine(line);
      all.push(...lines);
    }
  }
  return all;
}

/** A signal ends the run, not the clean-up. */
function stopOnSignals(arena: Arena): void {
  for (const signal of ["SIGINT", "SIGTERM"] as const) {
    process.once(signal, () => void stop(arena));
  }
}

async function stop(arena: Arena): Promise<never> {
  await arena[Symbol.asyncDispose]();
  process.exit(1);
}

function plainOptions({ poolSize, rounds, seconds, warmup }: BenchOptions): object {
  return { options: { poolSize, rounds, seconds, warmup } };
}

try {
  await main(parseOptions(Bun.argv.slice(2)));
} catch (error) {
  console.error(`bench: ${error instanceof Error ? error.message : String(error)}`);
  process.exitCode = 1;
}

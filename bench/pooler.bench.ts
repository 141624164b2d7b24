/**
 * `npm run bench`: Carpool beside PgBouncer under the same load, interleaved. How to read what it
 * prints: README.md in this folder.
 */

import { type Arena, openArena } from "./arena.ts";
import { runStatements } from "./embedded-database.ts";
import { printIdleMemory } from "./idle-memory-table.ts";
import type { Line } from "./line.ts";
import { describeMachine } from "./machine.ts";
import { type BenchOptions, parseOptions } from "./options.ts";
import { availablePeers } from "./peers/available-peers.ts";
import { YARDSTICK } from "./peers/catalogue.ts";
import { measureScenario } from "./rounds.ts";
import type { Scenario } from "./scenarios/scenario.ts";
import { Table } from "./table.ts";

/** A round takes two minutes, and its figures hardly differ from another's. */
const MEMORY_ROUNDS_MAX = 3;

async function main(options: BenchOptions): Promise<void> {
  const machine = describeMachine();
  const peers = await availablePeers(options.peers);
  if (peers.length === 0) throw new Error("no peer to measure");
  await using arena = await openArena({
    peers,
    poolSize: options.poolSize,
    clientsMax: Math.max(...options.scenario.flatMap((scenario) => clientsOf(options, scenario))),
  });
  stopOnSignals(arena);
  const versions = Object.fromEntries(
    arena.contenders.map(({ label, peer }) => [label, peer.version]),
  );
  const facts = { machine, versions, database: arena.database.version, ...plainOptions(options) };
  const print = options.json ? () => undefined : (text: string) => console.log(text);
  const table = new Table(options.markdown ? "markdown" : "text", YARDSTICK);
  for (const [name, value] of Object.entries(facts)) print(`${name}: ${JSON.stringify(value)}`);
  print(`\n${table.head()}`);
  const lines = await measureAll(arena, options, (line) => print(table.row(line)));
  if (options.json) console.log(JSON.stringify({ ...facts, lines }, null, 2));
}

/** In poolers of its own, started after those above have ended. */
async function measureMemory({ idleClients, rounds, json }: BenchOptions): Promise<void> {
  if (idleClients === 0 || json) return;
  console.log(`\nresident memory, ${idleClients} idle clients:\n`);
  await printIdleMemory(idleClients, Math.min(rounds, MEMORY_ROUNDS_MAX), (line) =>
    console.log(line),
  );
}

async function measureAll(
  arena: Arena,
  options: BenchOptions,
  onLine: (line: Line) => void,
): Promise<Line[]> {
  const all: Line[] = [];
  for (const scenario of options.scenario) {
    await runStatements(arena.database, scenario.tables);
    const { rounds, seconds, warmup, firstWarmup } = options;
    const clients = clientsOf(options, scenario);
    const settings = { clients, rounds, seconds, warmup, firstWarmup, yardstick: YARDSTICK };
    all.push(...(await measureScenario(arena.contenders, scenario, settings, onLine)));
  }
  return all;
}

function clientsOf(options: BenchOptions, scenario: Scenario): readonly number[] {
  return options.clients ?? scenario.clients;
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

function plainOptions(options: BenchOptions): object {
  const { poolSize, rounds, seconds, warmup, firstWarmup } = options;
  return { options: { poolSize, rounds, seconds, warmup, firstWarmup } };
}

try {
  const options = parseOptions(Bun.argv.slice(2));
  await main(options);
  await measureMemory(options);
} catch (error) {
  console.error(`bench: ${error instanceof Error ? error.message : String(error)}`);
  process.exitCode = 1;
}

/**
 * `npm run bench:memory`: resident memory per idle client that is logged in, plain and TLS, of Carpool
 * and PgBouncer. Every figure has a pooler of its own.
 */

import { Command } from "commander";
import { openArena } from "./arena.ts";
import { measureIdleMemory } from "./idle-memory.ts";
import { describeMachine } from "./machine.ts";
import { availablePeers } from "./peers/available-peers.ts";
import { CARPOOL } from "./peers/carpool.ts";
import type { Peer } from "./peers/peer.ts";
import { PGBOUNCER } from "./peers/pgbouncer.ts";
import type { Scenario } from "./scenarios/scenario.ts";
import { SIMPLE, SIMPLE_TLS } from "./scenarios/select-one.ts";
import { median } from "./summary.ts";

const POOL_SIZE = 20;

interface MemoryOptions {
  readonly clients: string;
  readonly rounds: string;
}

async function main(clients: number, rounds: number): Promise<void> {
  console.log(`machine: ${JSON.stringify(describeMachine())}`);
  console.log(`clients: ${clients}, rounds: ${rounds}\n`);
  console.log("| clients | pooler | bytes per further client | min-max | MB with all clients |");
  console.log("| --- | --- | ---: | ---: | ---: |");
  for (const scenario of [SIMPLE, SIMPLE_TLS]) {
    for (const peer of await availablePeers([CARPOOL, PGBOUNCER])) {
      console.log(await rowOf(peer, scenario, clients, rounds));
    }
  }
}

async function rowOf(
  peer: Peer,
  scenario: Scenario,
  clients: number,
  rounds: number,
): Promise<string> {
  const perClient: number[] = [];
  const all: number[] = [];
  for (let round = 0; round < rounds; round++) {
    await using arena = await openArena({
      peers: [peer],
      poolSize: POOL_SIZE,
      clientsMax: clients,
    });
    for (const { peer: running } of arena.contenders) {
      const memory = await measureIdleMemory(running, scenario, clients);
      perClient.push(memory.perClientBytes);
      all.push(memory.allBytes);
    }
  }
  const range = `${Math.min(...perClient).toFixed(0)}-${Math.max(...perClient).toFixed(0)}`;
  const kind = scenario.tls ? "TLS" : "plain";
  const bytes = median(perClient).toFixed(0);
  const megabytes = (median(all) / 2 ** 20).toFixed(0);
  return `| ${kind} | ${peer.name} | ${bytes} | ${range} | ${megabytes} |`;
}

const program = new Command("bench:memory")
  .description("Resident memory per idle client, of Carpool beside PgBouncer")
  .option("--clients <count>", "clients that log in and stay", "10000")
  .option("--rounds <count>", "poolers started for each figure", "3");

const { clients, rounds } = program.parse().opts<MemoryOptions>();
await main(Number(clients), Number(rounds));

/**
 * What an idle client costs in resident memory, plain and TLS: a table of Carpool beside PgBouncer.
 */

import { openArena } from "./arena.ts";
import { measureIdleMemory } from "./idle-memory.ts";
import { availablePeers } from "./peers/available-peers.ts";
import { CARPOOL } from "./peers/carpool.ts";
import type { Peer } from "./peers/peer.ts";
import { PGBOUNCER } from "./peers/pgbouncer.ts";
import type { Scenario } from "./scenarios/scenario.ts";
import { SIMPLE, SIMPLE_TLS } from "./scenarios/select-one.ts";
import { median } from "./summary.ts";

const POOL_SIZE = 20;

/** Measures and prints a Markdown table line by line. Every figure has a pooler of its own. */
export async function printIdleMemory(
  clients: number,
  rounds: number,
  print: (line: string) => void,
): Promise<void> {
  print("| clients | pooler | bytes per further client | min-max | MB with all clients |");
  print("| --- | --- | ---: | ---: | ---: |");
  for (const scenario of [SIMPLE, SIMPLE_TLS]) {
    for (const peer of await availablePeers([CARPOOL, PGBOUNCER])) {
      print(await rowOf(peer, scenario, clients, rounds));
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

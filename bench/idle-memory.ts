/**
 * What clients cost that are logged in and do nothing.
 */

import { LoadProcess } from "./load/load-process.ts";
import type { RunningPeer } from "./peers/peer.ts";
import { residentBytesAtRest } from "./resident-memory.ts";
import { warmUp } from "./sample.ts";
import type { Scenario } from "./scenarios/scenario.ts";

/** Sockets of one load process: well below the usual limit of descriptors. */
const CLIENTS_PER_PROCESS = 5000;

const WARM_UP_CLIENTS = 16;
const WARM_UP_SECONDS = 2;

export interface IdleMemory {
  /** Of the process with half of the clients, and with all. */
  readonly halfBytes: number;
  readonly allBytes: number;
  /** What each client of the second half took. */
  readonly perClientBytes: number;
}

/**
 * Measures a peer that was started for this: memory that earlier clients left behind would be used again,
 * and count for nothing. The first half of the clients pays for what grows but once, such as the code of
 * a runtime that compiles as it runs, so only the second half counts.
 */
export async function measureIdleMemory(
  peer: RunningPeer,
  scenario: Scenario,
  clients: number,
): Promise<IdleMemory> {
  await warmUp(peer, scenario.name, WARM_UP_CLIENTS, WARM_UP_SECONDS);
  await using stack = new AsyncDisposableStack();
  const half = Math.ceil(clients / 2);
  await logIn(stack, peer, scenario, half);
  const halfBytes = await residentBytesAtRest(peer.pid);
  await logIn(stack, peer, scenario, clients - half);
  const allBytes = await residentBytesAtRest(peer.pid);
  return { halfBytes, allBytes, perClientBytes: (allBytes - halfBytes) / (clients - half) };
}

async function logIn(
  stack: AsyncDisposableStack,
  peer: RunningPeer,
  scenario: Scenario,
  clients: number,
): Promise<void> {
  for (let connected = 0; connected < clients; connected += CLIENTS_PER_PROCESS) {
    const load = stack.use(new LoadProcess());
    const count = Math.min(CLIENTS_PER_PROCESS, clients - connected);
    await load.connect(peer.target, scenario.name, count);
  }
}

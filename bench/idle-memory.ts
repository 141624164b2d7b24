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
  /** Of a peer that has worked and whose clients have left. */
  readonly beforeBytes: number;
  /** Of the same with all clients logged in and silent. */
  readonly afterBytes: number;
  readonly perClientBytes: number;
}

/**
 * Measures a peer that was started for this: memory that earlier clients left behind would be used again,
 * and count for nothing.
 */
export async function measureIdleMemory(
  peer: RunningPeer,
  scenario: Scenario,
  clients: number,
): Promise<IdleMemory> {
  await warmUp(peer, scenario.name, WARM_UP_CLIENTS, WARM_UP_SECONDS);
  const beforeBytes = await residentBytesAtRest(peer.pid);
  await using stack = new AsyncDisposableStack();
  for (let connected = 0; connected < clients; connected += CLIENTS_PER_PROCESS) {
    const load = stack.use(new LoadProcess());
    const count = Math.min(CLIENTS_PER_PROCESS, clients - connected);
    await load.connect(peer.target, scenario.name, count);
  }
  const afterBytes = await residentBytesAtRest(peer.pid);
  return { beforeBytes, afterBytes, perClientBytes: (afterBytes - beforeBytes) / clients };
}

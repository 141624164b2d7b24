/**
 * One measured window.
 */

import { LoadProcess } from "./load/load-process.ts";
import type { LoadReport } from "./load/load-protocol.ts";
import type { RunningPeer } from "./peers/peer.ts";
import { processCpuSeconds } from "./process-cpu-time.ts";

/** What the load generator counted, and the CPU time that the peer's process used for it. */
export interface Sample extends LoadReport {
  readonly cpuSeconds: number;
}

export interface SampleSettings {
  readonly scenario: string;
  readonly clients: number;
  readonly warmupSeconds: number;
  readonly seconds: number;
}

/**
 * Connects the clients, warms up, and measures. All clients are silent when the CPU time is read,
 * before and after: the difference belongs to exactly the transactions that were counted.
 */
export async function takeSample(peer: RunningPeer, settings: SampleSettings): Promise<Sample> {
  await using load = new LoadProcess();
  await load.connect(peer.target, settings.scenario, settings.clients);
  await load.run(settings.warmupSeconds);
  const before = processCpuSeconds(peer.pid);
  const report = await load.run(settings.seconds);
  return { ...report, cpuSeconds: processCpuSeconds(peer.pid) - before };
}

/** Load that nobody counts. */
export async function warmUp(
  peer: RunningPeer,
  scenario: string,
  clients: number,
  seconds: number,
): Promise<void> {
  await using load = new LoadProcess();
  await load.connect(peer.target, scenario, clients);
  await load.run(seconds);
}

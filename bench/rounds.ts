/**
 * Interleaved rounds: every contender gets one window in each round, so that whatever else the
 * machine does meets all of them alike. Every other round runs backwards, so that none is always first.
 */

import type { Line } from "./line.ts";
import type { RunningPeer } from "./peers/peer.ts";
import { type Sample, type SampleSettings, takeSample } from "./sample.ts";
import { summarise } from "./summary.ts";

export interface Contender {
  /** Unique in a run. */
  readonly label: string;
  readonly peer: RunningPeer;
}

/**
 * Measures all contenders under one load: a line each, in their order. The ratios are to the
 * contender labelled `yardstick`; null without one.
 */
export async function measureLines(
  contenders: readonly Contender[],
  settings: SampleSettings,
  rounds: number,
  yardstick: string,
): Promise<Line[]> {
  const samples = new Map<string, Sample[]>(contenders.map(({ label }) => [label, []]));
  for (let round = 0; round < rounds; round++) {
    for (const { label, peer } of round % 2 === 0 ? contenders : contenders.toReversed()) {
      samples.get(label)?.push(await takeSample(peer, settings));
    }
  }
  const { scenario, clients } = settings;
  return [...samples].map(([peer, own]) => ({
    scenario,
    clients,
    peer,
    summary: summarise(own, samples.get(yardstick) ?? null),
  }));
}

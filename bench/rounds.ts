/**
 * Interleaved rounds: every contender gets one window in each round, so that whatever else the
 * machine does meets all of them alike. Every other round runs backwards, so that none is always first.
 */

import type { Line } from "./line.ts";
import type { RunningPeer } from "./peers/peer.ts";
import { type Sample, type SampleSettings, takeSample, warmUp } from "./sample.ts";
import type { Scenario } from "./scenarios/scenario.ts";
import { summarise } from "./summary.ts";

export interface Contender {
  /** Unique in a run. */
  readonly label: string;
  readonly peer: RunningPeer;
  /** What it is measured under; null: every scenario. */
  readonly scenarios: readonly string[] | null;
}

/** How a scenario is measured. */
export interface RoundSettings {
  /** Clients, a line for each count. */
  readonly clients: readonly number[];
  readonly rounds: number;
  readonly seconds: number;
  readonly warmup: number;
  /** Load for each contender before the first round. */
  readonly firstWarmup: number;
  /** The label of the contender that the ratios are to; they are null without it. */
  readonly yardstick: string;
}

/**
 * Measures a scenario: a line for each count of clients and each contender that takes part in it, told
 * one by one and returned in the end.
 */
export async function measureScenario(
  contenders: readonly Contender[],
  scenario: Scenario,
  settings: RoundSettings,
  onLine: (line: Line) => void,
): Promise<Line[]> {
  const taking = contenders.filter(({ scenarios }) => scenarios?.includes(scenario.name) ?? true);
  const { clients: counts, firstWarmup, seconds, warmup: warmupSeconds } = settings;
  for (const { peer } of taking)
    await warmUp(peer, scenario.name, Math.max(...counts), firstWarmup * codeFactor(scenario));
  const all: Line[] = [];
  for (const clients of counts) {
    const sample = { scenario: scenario.name, clients, seconds, warmupSeconds };
    const lines = await measureLines(taking, sample, settings);
    for (const line of lines) onLine(line);
    all.push(...lines);
  }
  return all;
}

/**
 * A login runs through far more code than a query, and seldomer: after 3 s of logins a compiling runtime still
 * spent 100 µs of each on compiling, after 6 s 10 µs, after 9 s 2 µs.
 */
function codeFactor(scenario: Scenario): number {
  return scenario.reconnects ? 3 : 1;
}

/** One load: a line for each contender, in their order. */
async function measureLines(
  contenders: readonly Contender[],
  settings: SampleSettings,
  { rounds, yardstick }: RoundSettings,
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

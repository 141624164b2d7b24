/**
 * From the samples of one line to its figures.
 */

import { LatencyHistogram } from "./load/latency-histogram.ts";
import type { Sample } from "./sample.ts";

export interface Summary {
  /** Transactions per second, median over the rounds. */
  readonly tps: number;
  /** CPU time per transaction: median, lowest and highest over the rounds. */
  readonly cpuMicros: number;
  readonly cpuMicrosMin: number;
  readonly cpuMicrosMax: number;
  /** CPU per transaction over the yardstick's of the same round, median; null without a yardstick. */
  readonly cpuRatio: number | null;
  /** Latency of a transaction over all rounds. */
  readonly p50Micros: number;
  readonly p99Micros: number;
  /** Share of one core that the load generator used, median. Near 1, it was the limit, not the peer. */
  readonly generatorLoad: number;
}

/**
 * Summarises one peer's samples, a round each. `yardstick` holds the samples of the peer compared
 * with, round by round: dividing within a round takes the machine's drift out of the ratio.
 */
export function summarise(
  samples: readonly Sample[],
  yardstick: readonly Sample[] | null,
): Summary {
  const cpu = samples.map(cpuMicrosOf);
  const ratios = yardstick?.map(
    (sample, round) => (cpu[round] ?? Number.NaN) / cpuMicrosOf(sample),
  );
  const latencies = new LatencyHistogram();
  for (const sample of samples) latencies.add(sample.latencyCounts);
  return {
    tps: median(samples.map(({ transactions, seconds }) => transactions / seconds)),
    cpuMicros: median(cpu),
    cpuMicrosMin: Math.min(...cpu),
    cpuMicrosMax: Math.max(...cpu),
    cpuRatio: ratios === undefined ? null : median(ratios),
    p50Micros: latencies.quantile(0.5),
    p99Micros: latencies.quantile(0.99),
    generatorLoad: median(samples.map((each) => each.generatorCpuSeconds / each.seconds)),
  };
}

/** The middle value, or the mean of the two in the middle. Throws when there is none. */
export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const upper = sorted[Math.floor(sorted.length / 2)];
  const lower = sorted[Math.floor((sorted.length - 1) / 2)];
  if (upper === undefined || lower === undefined) throw new RangeError("median of nothing");
  return (lower + upper) / 2;
}

function cpuMicrosOf({ cpuSeconds, transactions }: Sample): number {
  return (cpuSeconds * 1e6) / transactions;
}

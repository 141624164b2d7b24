import { describe, expect, test } from "bun:test";
import { LatencyHistogram } from "../../bench/load/latency-histogram.ts";
import type { Sample } from "../../bench/sample.ts";
import { median, summarise } from "../../bench/summary.ts";

/** A second of 1000 transactions, each of `micros` of CPU time and of latency. */
function sampleOf(micros: number): Sample {
  const latencies = new LatencyHistogram();
  latencies.record(micros);
  return {
    transactions: 1000,
    seconds: 1,
    cpuSeconds: micros / 1000,
    generatorCpuSeconds: 0.25,
    latencyCounts: latencies.counts(),
  };
}

describe("summarise", () => {
  test("takes medians over the rounds and latencies over all of them", () => {
    const summary = summarise([sampleOf(10), sampleOf(30), sampleOf(12)], null);
    expect(summary).toMatchObject({ tps: 1000, generatorLoad: 0.25, p50Micros: 12, p99Micros: 30 });
    expect(summary.cpuMicros).toBeCloseTo(12);
    expect(summary.cpuMicrosMin).toBeCloseTo(10);
    expect(summary.cpuMicrosMax).toBeCloseTo(30);
  });

  test("compares round by round, so that drift does not count", () => {
    const slowing = [10, 20, 40].map(sampleOf);
    const slowingToo = [20, 40, 80].map(sampleOf);
    expect(summarise(slowing, slowingToo).cpuRatio).toBeCloseTo(0.5);
    expect(summarise(slowing, slowing).cpuRatio).toBe(1);
  });

  test("has no ratio without a yardstick", () => {
    expect(summarise([sampleOf(10)], null).cpuRatio).toBeNull();
  });

  test("refuses to summarise no samples", () => {
    expect(() => summarise([], null)).toThrow("median of nothing");
  });
});

describe("median", () => {
  test("is the middle value, or the mean of the middle two, in any order", () => {
    expect(median([3, 1, 2])).toBe(2);
    expect(median([4, 1, 3, 2])).toBe(2.5);
    expect(median([7])).toBe(7);
  });
});

import { describe, expect, test } from "bun:test";
import { LatencyHistogram } from "../../bench/load/latency-histogram.ts";

function histogramOf(...micros: readonly number[]): LatencyHistogram {
  const histogram = new LatencyHistogram();
  for (const each of micros) histogram.record(each);
  return histogram;
}

describe("LatencyHistogram", () => {
  test("is exact below 128 µs", () => {
    for (let micros = 0; micros < 128; micros++) {
      expect(histogramOf(micros).quantile(0.5)).toBe(micros);
    }
  });

  test("is less than 1.6 % too low above that", () => {
    for (let micros = 128; micros < 2 ** 31; micros = Math.ceil(micros * 1.01)) {
      const quantile = histogramOf(micros).quantile(1);
      expect(quantile).toBeLessThanOrEqual(micros);
      expect(quantile).toBeGreaterThan(micros * (1 - 0.016));
    }
  });

  test("finds the value that a share of the records does not exceed", () => {
    const histogram = histogramOf(...Array.from({ length: 100 }, (_, index) => index + 1));
    expect(histogram.quantile(0.5)).toBe(50);
    expect(histogram.quantile(0.99)).toBe(99);
    expect(histogram.quantile(0)).toBe(1);
    expect(histogram.quantile(1)).toBe(100);
  });

  test("adds up with another one", () => {
    const sum = histogramOf(1, 2);
    sum.add(histogramOf(3, 4_000_000).counts());
    expect(sum.quantile(0.75)).toBe(3);
    expect(sum.quantile(1)).toBe(histogramOf(4_000_000).quantile(1));
  });

  test("counts what is beyond its range as its highest value", () => {
    expect(histogramOf(1e12).quantile(1)).toBe(histogramOf(2 ** 31 - 1).quantile(1));
  });

  test("has no quantile but 0 when nothing was recorded", () => {
    expect(new LatencyHistogram().quantile(0.99)).toBe(0);
  });

  test("refuses counts of another shape", () => {
    expect(() => new LatencyHistogram().add([1, 2, 3])).toThrow("buckets");
  });
});

/**
 * What several processes of one crowd have measured at the same time, as one report.
 */

import { LatencyHistogram } from "../load/latency-histogram.ts";
import type { LoadReport } from "../load/load-protocol.ts";

/** Returns the sum of `reports`, over the time of the longest. */
export function mergedReport(reports: readonly LoadReport[]): LoadReport {
  const latencies = new LatencyHistogram();
  for (const { latencyCounts } of reports) latencies.add(latencyCounts);
  return {
    transactions: reports.reduce((sum, { transactions }) => sum + transactions, 0),
    seconds: Math.max(...reports.map(({ seconds }) => seconds)),
    generatorCpuSeconds: reports.reduce((sum, each) => sum + each.generatorCpuSeconds, 0),
    latencyCounts: latencies.counts(),
  };
}

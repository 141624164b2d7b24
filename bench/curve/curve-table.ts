/**
 * The table that `npm run bench:curve` prints.
 */

import type { Sample } from "../sample.ts";
import { median, summarise } from "../summary.ts";
import type { CurveSample, Field, LoadShape } from "./field.ts";

export const CURVE_HEAD = `| tenants | busy | clients | pooler | tps | CPU µs/tx | the system's | min-max | × its 1 tenant | × pgbouncer | p99 µs | MB, pools open | opened a second |
| ---: | --- | ---: | --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |`;

/** Round by round, so that ratios are taken within a round. */
export interface CurveSamples {
  readonly own: readonly CurveSample[];
  /** Of the same pooler with one tenant. */
  readonly single: readonly Sample[];
  /** Of PgBouncer with as many tenants, or null. */
  readonly yardstick: readonly Sample[] | null;
}

/** A line of the table. */
export function curveRow(
  tenants: number,
  shape: LoadShape,
  field: Field,
  { own, single, yardstick }: CurveSamples,
): string {
  const summary = summarise(own, yardstick);
  const alone = summarise(own, single).cpuRatio ?? Number.NaN;
  const cells = [
    tenants,
    shape,
    shape === "one" ? "" : field.clients,
    field.pooler,
    median(own.map(({ transactions, seconds }) => transactions / seconds)).toFixed(0),
    summary.cpuMicros.toFixed(1),
    median(
      own.map(({ kernelSeconds, transactions }) => (kernelSeconds * 1e6) / transactions),
    ).toFixed(1),
    `${summary.cpuMicrosMin.toFixed(1)}-${summary.cpuMicrosMax.toFixed(1)}`,
    alone.toFixed(2),
    summary.cpuRatio?.toFixed(2) ?? "-",
    summary.p99Micros,
    (field.bytes / 1e6).toFixed(0),
    (tenants / field.openedSeconds).toFixed(0),
  ];
  return `| ${cells.join(" | ")} |`;
}

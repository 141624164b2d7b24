/**
 * The table that `npm run bench` prints, a line at a time, since a run takes minutes.
 */

import type { Line } from "./line.ts";
import { YARDSTICK } from "./peers/catalogue.ts";

interface TableColumn {
  readonly title: string;
  readonly width: number;
  /** The cell of a line. */
  readonly of: (line: Line) => string;
}

const COLUMNS: readonly TableColumn[] = [
  { title: "scenario", width: -9, of: ({ scenario }) => scenario },
  { title: "clients", width: 7, of: ({ clients }) => String(clients) },
  { title: "peer", width: -12, of: ({ peer }) => peer },
  { title: "tps", width: 8, of: ({ summary: { tps } }) => tps.toFixed(0) },
  { title: "CPU µs/tx", width: 10, of: ({ summary: { cpuMicros } }) => cpuMicros.toFixed(1) },
  {
    title: "min-max",
    width: 13,
    of: ({ summary: { cpuMicrosMin, cpuMicrosMax } }) =>
      `${cpuMicrosMin.toFixed(1)}-${cpuMicrosMax.toFixed(1)}`,
  },
  {
    title: `× ${YARDSTICK}`,
    width: 11,
    of: ({ summary: { cpuRatio } }) => cpuRatio?.toFixed(2) ?? "-",
  },
  { title: "p50 µs", width: 8, of: ({ summary: { p50Micros } }) => String(p50Micros) },
  { title: "p99 µs", width: 8, of: ({ summary: { p99Micros } }) => String(p99Micros) },
  {
    title: "load gen.",
    width: 9,
    of: ({ summary: { generatorLoad } }) => `${(generatorLoad * 100).toFixed(0)} %`,
  },
];

/** The head of the table. */
export function tableHead(): string {
  return rowOf(COLUMNS.map(({ title }) => title));
}

/** One line of the table. */
export function tableRow(line: Line): string {
  return rowOf(COLUMNS.map((column) => column.of(line)));
}

/** Negative widths align left. */
function rowOf(cells: readonly string[]): string {
  return COLUMNS.map(({ width }, index) => {
    const cell = cells[index] ?? "";
    return width < 0 ? cell.padEnd(-width) : cell.padStart(width);
  })
    .join("  ")
    .trimEnd();
}

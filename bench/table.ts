/**
 * The table that `npm run bench` prints, a line at a time, since a run takes minutes.
 */

import type { Line } from "./line.ts";

interface TableColumn {
  readonly title: string;
  readonly width: number;
  /** The cell of a line. */
  readonly of: (line: Line) => string;
}

/** Line by line: what is read on a terminal, and what stands in a page. */
export type TableForm = "text" | "markdown";

export class Table {
  readonly #columns: readonly TableColumn[];
  readonly #form: TableForm;

  /** @param yardstick whom the ratios are to */
  constructor(form: TableForm, yardstick: string) {
    this.#form = form;
    this.#columns = columnsOf(yardstick);
  }

  /** What stands above the lines. */
  head(): string {
    const titles = this.#rowOf(this.#columns.map(({ title }) => title));
    if (this.#form === "text") return titles;
    const rules = this.#columns.map(({ width }) => (width < 0 ? "---" : "---:"));
    return `${titles}\n${this.#rowOf(rules)}`;
  }

  /** One line. */
  row(line: Line): string {
    return this.#rowOf(this.#columns.map((column) => column.of(line)));
  }

  /** Negative widths align left. */
  #rowOf(cells: readonly string[]): string {
    if (this.#form === "markdown") return `| ${cells.join(" | ")} |`;
    return this.#columns
      .map(({ width }, index) => {
        const cell = cells[index] ?? "";
        return width < 0 ? cell.padEnd(-width) : cell.padStart(width);
      })
      .join("  ")
      .trimEnd();
  }
}

const columnsOf = (yardstick: string): readonly TableColumn[] => [
  { title: "scenario", width: -13, of: ({ scenario }) => scenario },
  { title: "clients", width: 7, of: ({ clients }) => String(clients) },
  { title: "peer", width: -15, of: ({ peer }) => peer },
  { title: "tps", width: 8, of: ({ summary: { tps } }) => tps.toFixed(0) },
  { title: "CPU µs/tx", width: 10, of: ({ summary: { cpuMicros } }) => cpuMicros.toFixed(1) },
  {
    title: "min-max",
    width: 13,
    of: ({ summary: { cpuMicrosMin, cpuMicrosMax } }) =>
      `${cpuMicrosMin.toFixed(1)}-${cpuMicrosMax.toFixed(1)}`,
  },
  {
    title: `× ${yardstick}`,
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

/** The matrix of what ran and passed, as text for a terminal and as a page of the docs. */

import type { Stack } from "./stacks.ts";
import type { Verdict } from "./verdicts.ts";

/** What came of a stack. */
export interface Entry {
  readonly stack: Stack;
  readonly version: string | null;
  /** Why it did not run at all. */
  readonly skipped?: string;
  readonly verdicts: ReadonlyMap<string, Verdict>;
}

/** In the order of the columns. */
const TOPICS = [
  "migrations",
  "transactions",
  "statements",
  "types",
  "bulk",
  "streams",
  "errors",
  "cancellation",
  "timeouts",
  "settings",
  "concurrency",
  "listen",
  "temporary tables",
  "advisory locks",
  "SQL PREPARE",
  "WITH HOLD",
];

/** Returns how many topics passed and failed, and how many stacks did not run. */
export function countVerdicts(entries: readonly Entry[]) {
  const verdicts = entries.flatMap(({ verdicts: own }) => [...own.values()]);
  return {
    passed: verdicts.filter(({ kind }) => kind === "passed").length,
    failed: verdicts.filter(({ kind }) => kind === "failed").length,
    skipped: entries.filter(({ skipped }) => skipped !== undefined).length,
  };
}

/** Returns lines for a terminal: a stack each, with what failed. */
export function describeEntry({ stack, version, skipped, verdicts }: Entry): readonly string[] {
  const title = `${stack.name} ${version ?? ""}`.padEnd(26);
  if (skipped !== undefined) return [`${title} skipped: ${skipped}`];
  const all = [...verdicts];
  const failed = all.filter(([, { kind }]) => kind === "failed").map(([topic]) => topic);
  const passed = all.length - failed.length;
  const faults = failed.length === 0 ? "" : `, FAILED: ${failed.join(", ")}`;
  return [`${title} ${passed} of ${all.length} passed${faults}`];
}

/** Returns the table for the docs: a stack a line, a topic a column. */
export function renderTable(entries: readonly Entry[]): string {
  const head = ["stack", "version", ...TOPICS];
  const rows = entries.map(({ stack, version, skipped, verdicts }) => [
    stack.title,
    version ?? "",
    ...TOPICS.map((topic) => (skipped === undefined ? mark(verdicts.get(topic)) : "skipped")),
  ]);
  return [head, head.map(() => "---"), ...rows].map(line).join("\n");
}

function line(cells: readonly string[]): string {
  return `| ${cells.join(" | ")} |`;
}

function mark(verdict: Verdict | undefined): string {
  if (verdict === undefined) return "–";
  return verdict.kind === "passed" ? "✓" : "**✗**";
}

/**
 * Findings as people and programs read them.
 */

import type { Finding, Verdict } from "./finding.ts";

const MARKS: Readonly<Record<Verdict, string>> = {
  ok: "ok      ",
  warning: "WARNING ",
  problem: "PROBLEM ",
};

const INDENT = " ".repeat(MARKS.ok.length);

/** What programs are given. */
export interface Diagnosis {
  readonly tenant: string;
  /** Whether there is no problem. */
  readonly ok: boolean;
  readonly findings: readonly Finding[];
}

/** Returns a line for what is in order; two more, what was tried and what to do, for what is not. */
export function renderFinding({ check, verdict, tried, found, advice }: Finding): string {
  const title = `${MARKS[verdict]}${check}: ${found}`;
  if (advice === null) return title;
  return [title, `${INDENT}tried: ${tried}`, `${INDENT}to do: ${advice}`].join("\n");
}

/** Returns the last line. */
export function renderSummary(findings: readonly Finding[]): string {
  const count = (verdict: Verdict) =>
    findings.filter((finding) => finding.verdict === verdict).length;
  const [problems, warnings] = [count("problem"), count("warning")];
  if (problems + warnings === 0) return "everything is in order";
  return `${problems} ${problems === 1 ? "problem" : "problems"}, ${warnings} ${warnings === 1 ? "warning" : "warnings"}`;
}

/** Returns the findings for a program. */
export function diagnosisOf(tenant: string, findings: readonly Finding[]): Diagnosis {
  return { tenant, ok: findings.every(({ verdict }) => verdict !== "problem"), findings };
}

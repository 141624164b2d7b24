/**
 * Judges a stack's topics: what came of each through Carpool beside what came of it on PostgreSQL itself.
 */

/** What a program prints of a topic. */
export interface TopicReport {
  readonly topic: string;
  readonly result?: unknown;
  /** Why it came to no result. */
  readonly failed?: string;
}

export type Verdict =
  | { readonly kind: "passed" }
  | { readonly kind: "failed"; readonly why: string };

const SHOWN_CHARACTERS = 1_500;

/** Returns the reports among the lines of a program's output. Throws for a line that is none. */
export function readReports(output: string): readonly TopicReport[] {
  return output
    .split("\n")
    .filter((line) => line.trim() !== "")
    .map((line) => {
      const report: unknown = JSON.parse(line);
      if (!isReport(report)) throw new Error(`not a report: ${line}`);
      return report;
    });
}

/** Returns a verdict for each topic that either run told of. A topic must have a result to compare. */
export function judge(
  direct: readonly TopicReport[],
  pooled: readonly TopicReport[],
): ReadonlyMap<string, Verdict> {
  const topics = new Set([...direct, ...pooled].map(({ topic }) => topic));
  const find = (reports: readonly TopicReport[], name: string) =>
    reports.find(({ topic }) => topic === name);
  return new Map(
    [...topics].map((topic) => [topic, judgeTopic(find(direct, topic), find(pooled, topic))]),
  );
}

function judgeTopic(direct: TopicReport | undefined, pooled: TopicReport | undefined): Verdict {
  if (direct === undefined) return failure("the direct run did not come to it");
  if (direct.failed !== undefined) return failure(`fails on PostgreSQL too: ${direct.failed}`);
  if (pooled === undefined) return failure("the run through Carpool did not come to it");
  if (pooled.failed !== undefined) return failure(pooled.failed);
  if (isEmpty(direct.result)) return failure("there is no result to compare");
  const expected = JSON.stringify(direct.result);
  const actual = JSON.stringify(pooled.result);
  if (expected === actual) return { kind: "passed" };
  return failure(firstDifference(expected, actual));
}

/** Returns both texts from a little before where they part. */
function firstDifference(expected: string, actual: string): string {
  let at = 0;
  while (expected[at] === actual[at]) at++;
  const from = Math.max(0, at - 300);
  const shown = (text: string) => text.slice(from, from + SHOWN_CHARACTERS);
  return `direct  ${shown(expected)}\npooled  ${shown(actual)}`;
}

function failure(why: string): Verdict {
  return { kind: "failed", why };
}

function isEmpty(result: unknown): boolean {
  if (result === null || result === undefined) return true;
  return typeof result === "object" && Object.keys(result).length === 0;
}

function isReport(value: unknown): value is TopicReport {
  if (typeof value !== "object" || value === null) return false;
  if (!("topic" in value) || typeof value.topic !== "string") return false;
  return "result" in value || ("failed" in value && typeof value.failed === "string");
}

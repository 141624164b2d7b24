/** What counts as equal to PostgreSQL, and what never does. */

import { describe, expect, test } from "bun:test";
import { judge, readReports } from "./verdicts.ts";

describe("a topic", () => {
  test("passes where both runs came to the same", () => {
    const reports = [{ topic: "types", result: [1, null, "ü"] }];
    expect(judge(reports, reports).get("types")).toEqual({ kind: "passed" });
  });

  test("fails where one value differs, and shows both", () => {
    const verdict = judge(
      [{ topic: "types", result: [1, "direct"] }],
      [{ topic: "types", result: [1, "other"] }],
    ).get("types");
    expect(verdict).toEqual({ kind: "failed", why: 'direct  [1,"direct"]\npooled  [1,"other"]' });
  });

  test("fails where one result is the beginning of the other", () => {
    const verdict = judge([{ topic: "bulk", result: 1 }], [{ topic: "bulk", result: 12 }]);
    expect(verdict.get("bulk")?.kind).toBe("failed");
  });

  test("fails where both runs failed: that proves nothing", () => {
    const reports = [{ topic: "listen", failed: "not over in time" }];
    expect(judge(reports, reports).get("listen")).toEqual({
      kind: "failed",
      why: "fails on PostgreSQL too: not over in time",
    });
  });

  test("fails where only the run through Carpool failed", () => {
    const verdict = judge([{ topic: "listen", result: 1 }], [{ topic: "listen", failed: "late" }]);
    expect(verdict.get("listen")).toEqual({ kind: "failed", why: "late" });
  });

  test("fails where either run never came to it", () => {
    const reports = [{ topic: "bulk", result: 1 }];
    expect(judge(reports, []).get("bulk")?.kind).toBe("failed");
    expect(judge([], reports).get("bulk")?.kind).toBe("failed");
  });

  test.each([{ result: null }, { result: [] }, { result: {} }])(
    "fails where there is nothing to compare: %j",
    ({ result }) => {
      const reports = [{ topic: "streams", result }];
      expect(judge(reports, reports).get("streams")?.kind).toBe("failed");
    },
  );
});

describe("a program's output", () => {
  test("is a report a line", () => {
    const output = '{"topic":"one","result":null}\n{"topic":"two","failed":"why"}\n';
    expect(readReports(output)).toEqual([
      { topic: "one", result: null },
      { topic: "two", failed: "why" },
    ]);
  });

  test.each([
    "a warning",
    '{"topic":1,"result":2}',
    '{"topic":"one"}',
    '{"topic":"one","failed":3}',
    "null",
  ])("is refused with a line that is none: %s", (line) => {
    expect(() => readReports(`{"topic":"one","result":1}\n${line}`)).toThrow();
  });
});

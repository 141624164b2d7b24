import { describe, expect, test } from "bun:test";
import { ONLY_OWNER, ownersShare } from "../../../src/proxy/pools/owner-share.ts";

const INDEXES = [0, 1, 2, 3, 4, 5, 6, 7];

describe("a limit that owners share", () => {
  test.each([
    [0, 3],
    [1, 3],
    [2, 3],
    [7, 3],
    [9, 3],
    [39, 8],
    [5, 1],
  ])("of %d over %d owners is exactly used up by all parts together", (total, owners) => {
    const parts = INDEXES.map((index) => ownersShare(total, { index, owners }));
    expect(parts.reduce((sum, part) => sum + part, 0)).toBe(total);
    expect(Math.max(...parts.slice(0, owners)) - Math.min(...parts.slice(0, owners))).toBeLessThan(
      2,
    );
  });

  test("falls to the first owners where it is smaller than their number", () => {
    expect(INDEXES.map((index) => ownersShare(2, { index, owners: 3 }))).toEqual([
      1, 1, 0, 0, 0, 0, 0, 0,
    ]);
  });

  test("is all an only owner's", () => {
    expect(ownersShare(12, ONLY_OWNER)).toBe(12);
  });

  test("has no part for who is no owner", () => {
    expect(ownersShare(12, { index: 3, owners: 3 })).toBe(0);
  });
});

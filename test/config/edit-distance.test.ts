import { expect, test } from "bun:test";
import { assert, constantFrom, property, string } from "fast-check";
import { editDistance } from "../../src/config/edit-distance.ts";

test.each([
  ["", "", 0],
  ["abc", "", 3],
  ["kitten", "sitting", 3],
  ["flaw", "lawn", 2],
  ["PORT", "PROT", 2],
])("%j and %j are %d apart", (left, right, distance) => {
  expect(editDistance(left, right)).toBe(distance);
});

test("is a metric: symmetric, zero only for equals, and no detour is shorter", () => {
  const word = string({ unit: constantFrom("a", "b", "_"), maxLength: 8 });
  assert(
    property(word, word, word, (one, two, three) => {
      const direct = editDistance(one, two);
      expect(editDistance(two, one)).toBe(direct);
      expect(direct === 0).toBe(one === two);
      expect(editDistance(one, three) + editDistance(three, two)).toBeGreaterThanOrEqual(direct);
    }),
  );
});

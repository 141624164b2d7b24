import { describe, expect, test } from "bun:test";
import { withJitter } from "../../src/pool/jitter.ts";
import { constantRandom } from "./rig.ts";

describe("withJitter", () => {
  test("takes nothing off at one end and nearly the whole spread at the other", () => {
    expect(withJitter(constantRandom(0), 1_000, 0.5)).toBe(1_000);
    const least = withJitter(constantRandom(255), 1_000, 0.5);
    expect(least).toBeGreaterThan(500);
    expect(least).toBeLessThan(501);
  });

  test("leaves never as never", () => {
    expect(withJitter(constantRandom(255), Number.POSITIVE_INFINITY, 0.5)).toBe(Infinity);
  });
});

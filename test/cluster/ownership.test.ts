import { describe, expect, test } from "bun:test";
import { Ownership } from "../../src/cluster/ownership.ts";

const TENANTS = Array.from({ length: 20_000 }, (_, number) => `tenant-${number}`);

describe("Ownership", () => {
  test("gives every worker its part of the tenants", () => {
    const ownership = new Ownership(4);
    const owned = [0, 0, 0, 0];
    for (const tenant of TENANTS) {
      const [first = -1] = ownership.ranking(tenant);
      owned[first] = (owned[first] ?? 0) + 1;
    }
    for (const count of owned) expect(Math.abs(count - 5000)).toBeLessThan(300);
  });

  test("names each worker once, and the same order every time", () => {
    const ownership = new Ownership(7);
    for (const tenant of TENANTS.slice(0, 100)) {
      const ranking = ownership.ranking(tenant);
      expect(ranking).toHaveLength(7);
      expect(new Set(ranking)).toEqual(new Set([0, 1, 2, 3, 4, 5, 6]));
      expect(new Ownership(7).ranking(tenant)).toEqual(ranking);
    }
  });

  test("moves nobody but to the worker that was added", () => {
    const [before, after] = [new Ownership(4), new Ownership(5)];
    let moved = 0;
    for (const tenant of TENANTS) {
      const [was, is] = [before.ranking(tenant)[0], after.ranking(tenant)[0]];
      if (was === is) continue;
      expect(is).toBe(4);
      moved += 1;
    }
    expect(moved).toBeGreaterThan(3500);
    expect(moved).toBeLessThan(4500);
  });
});

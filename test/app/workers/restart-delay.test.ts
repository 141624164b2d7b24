import { describe, expect, test } from "bun:test";
import { RestartDelay } from "../../../src/app/workers/restart-delay.ts";

describe("RestartDelay", () => {
  test("lets one that has died be started at once", () => {
    expect(new RestartDelay().after(3_600_000)).toBe(0);
    expect(new RestartDelay().after(5)).toBe(0);
  });

  test("doubles the pause of one that keeps dying, up to five seconds", () => {
    const delay = new RestartDelay();
    const pauses = Array.from({ length: 9 }, () => delay.after(50));
    expect(pauses).toEqual([0, 100, 200, 400, 800, 1600, 3200, 5000, 5000]);
  });

  test("begins anew with one that has lived", () => {
    const delay = new RestartDelay();
    for (let death = 0; death < 5; death += 1) delay.after(50);
    expect(delay.after(2000)).toBe(0);
    expect(delay.after(50)).toBe(100);
  });
});

import { describe, expect, test } from "bun:test";
import { RateLimiter } from "../../src/api/rate-limiter.ts";
import { FakeClock } from "../support/fake-clock.ts";

const RATE = { perSecond: 2, burst: 3 };

function limiter(keysMax = 10) {
  const clock = new FakeClock();
  const limits = new RateLimiter(clock, keysMax);
  return { clock, take: (key = "a") => limits.take(key, RATE) };
}

describe("RateLimiter", () => {
  test("lets a burst pass, then says when the next may come", () => {
    const { take } = limiter();
    expect([take(), take(), take(), take(), take()]).toEqual([0, 0, 0, 500, 500]);
  });

  test("lets one pass at exactly the moment it said, and not a millisecond before", () => {
    const { clock, take } = limiter();
    for (let i = 0; i < 3; i += 1) take();
    clock.advance(499);
    expect(take()).toBe(1);
    clock.advance(1);
    expect([take(), take()]).toEqual([0, 500]);
  });

  test("saves up no more than the burst", () => {
    const { clock, take } = limiter();
    clock.advance(3_600_000);
    expect([take(), take(), take(), take()]).toEqual([0, 0, 0, 500]);
  });

  test("counts each by itself", () => {
    const { take } = limiter();
    for (let i = 0; i < 4; i += 1) take("a");
    expect([take("a"), take("b")]).toEqual([500, 0]);
  });

  test("forgets who asked longest ago when there are too many", () => {
    const { take } = limiter(2);
    for (let i = 0; i < 4; i += 1) take("a");
    take("b");
    take("c");
    expect(take("a")).toBe(0);
  });
});

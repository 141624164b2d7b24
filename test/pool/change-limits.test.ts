import { describe, expect, test } from "bun:test";
import { CheckoutTimeoutError } from "../../src/pool/checkout-timeout-error.ts";
import { LIMITS, Rig } from "./rig.ts";

const COARSE_MS = 100;

describe("changed limits", () => {
  test("hold for a waiter that waits already", () => {
    const rig = new Rig({ size: 1 });
    rig.ask();
    rig.succeed();
    const waiting = rig.ask();
    rig.pool.changeLimits({ ...LIMITS, size: 1, checkoutTimeoutMs: 1000 });
    rig.clock.advance(1000 - 1);
    expect(waiting.refused).toEqual([]);
    rig.clock.advance(1 + COARSE_MS);
    expect(waiting.refused[0]).toBeInstanceOf(CheckoutTimeoutError);
  });

  test("hold for what is idle already: sooner", () => {
    const rig = new Rig();
    const servers = rig.warm(2);
    rig.pool.changeLimits({ ...LIMITS, idleTimeoutMs: 5000 });
    rig.clock.advance(5000 - 1);
    expect(rig.retired).toEqual([]);
    rig.clock.advance(1 + COARSE_MS);
    expect(rig.retired).toEqual(servers);
  });

  test("hold for what is idle already: at once, where its time is over by the new ones", () => {
    const rig = new Rig();
    const servers = rig.warm(2);
    rig.clock.advance(6000);
    rig.pool.changeLimits({ ...LIMITS, idleTimeoutMs: 5000 });
    expect(rig.retired).toEqual(servers);
  });

  test("hold for what is idle already: later", () => {
    const rig = new Rig({ idleTimeoutMs: 5000 });
    rig.warm(1);
    rig.pool.changeLimits({ ...LIMITS, idleTimeoutMs: 60_000 });
    rig.clock.advance(30_000);
    expect(rig.retired).toEqual([]);
  });

  test("give what is opened from then on its lifetime", () => {
    const rig = new Rig();
    rig.ask();
    rig.pool.changeLimits({ ...LIMITS, lifetimeMs: 20_000 });
    const server = rig.succeed();
    rig.pool.release(server);
    rig.clock.advance(20_000 + COARSE_MS);
    expect(rig.retired).toEqual([server]);
  });

  test("change the order of lending among those that are idle already", () => {
    const rig = new Rig({ size: 3 });
    const [first, , third] = rig.warm(3);
    rig.pool.changeLimits({ ...LIMITS, size: 3, lendingOrder: "fifo" });
    expect(rig.ask().granted).toEqual(first === undefined ? [] : [first]);
    rig.pool.changeLimits({ ...LIMITS, size: 3, lendingOrder: "lifo" });
    expect(rig.ask().granted).toEqual(third === undefined ? [] : [third]);
  });

  test("are refused as a whole where one of them can't be", () => {
    const rig = new Rig();
    expect(() => rig.pool.changeLimits({ ...LIMITS, size: 1, lifetimeMs: 0 })).toThrow("may live");
    expect(rig.pool.size).toBe(LIMITS.size);
  });
});

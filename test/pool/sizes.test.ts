/**
 * What is kept open though nobody asks, and what is opened beyond the size for who waits too long.
 */

import { describe, expect, test } from "bun:test";
import { LIMITS, OpenError, Rig } from "./rig.ts";

const COARSE_MS = 100;

describe("the minimum", () => {
  test("is opened before anybody asks", () => {
    const rig = new Rig({ size: 4, sizeMin: 2 });
    rig.pool.wake();
    expect(rig.attempts).toBe(2);
    rig.succeed();
    rig.succeed();
    expect([rig.attempts, rig.pool.idle]).toEqual([2, 2]);
  });

  test("of none opens nothing", () => {
    const rig = new Rig();
    rig.pool.wake();
    expect(rig.attempts).toBe(0);
  });

  test("outlasts the idle timeout, and what is above does not", () => {
    const rig = new Rig({ size: 4, sizeMin: 1 });
    const servers = rig.warm(3);
    rig.clock.advance(LIMITS.idleTimeoutMs + COARSE_MS);
    expect(rig.retired).toEqual(servers.slice(0, 2));
    for (const server of rig.retired) rig.pool.gone(server);
    rig.clock.advance(2 * LIMITS.idleTimeoutMs);
    expect([rig.pool.idle, rig.attempts]).toEqual([1, 3]);
  });

  test("is made up for when a resource has gone", () => {
    const rig = new Rig({ size: 2, sizeMin: 2 });
    const [first] = rig.warm(2);
    if (first !== undefined) rig.pool.gone(first);
    expect(rig.attempts).toBe(3);
  });

  test("is replaced when its lifetime is over, and not opened beside what still closes", () => {
    const rig = new Rig({ size: 1, sizeMin: 1 });
    const [old] = rig.warm(1);
    rig.clock.advance(LIMITS.lifetimeMs + COARSE_MS);
    expect([rig.retired, rig.attempts]).toEqual([old === undefined ? [] : [old], 1]);
    if (old !== undefined) rig.pool.gone(old);
    expect(rig.attempts).toBe(2);
  });

  test("is tried for one at a time, with pauses, while it cannot be opened", () => {
    const rig = new Rig({ size: 4, sizeMin: 3 });
    rig.pool.wake();
    for (let attempt = 0; attempt < 3; attempt += 1) rig.fail();
    expect(rig.attempts).toBe(3);
    rig.clock.advance(LIMITS.retryMaxMs + COARSE_MS);
    expect(rig.attempts).toBe(4);
  });

  test("is not kept by a closed pool", () => {
    const rig = new Rig({ size: 2, sizeMin: 2 });
    const servers = rig.warm(2);
    rig.pool.close(new OpenError("closed"));
    expect(rig.retired.length).toBe(2);
    for (const server of servers) rig.pool.gone(server);
    expect([rig.pool.taken, rig.attempts]).toEqual([0, 2]);
  });

  test("above the size is a mistake", () => {
    expect(() => new Rig({ size: 2, sizeMin: 3 })).toThrow("has its room");
  });
});

describe("the reserve", () => {
  const WITH_RESERVE = { size: 1, reserve: 1, reserveAfterMs: 5_000 };

  test("is opened for who has waited long enough, and not a moment before", () => {
    const rig = new Rig(WITH_RESERVE);
    rig.warm(1);
    rig.ask("holder");
    const waiter = rig.ask("waiter");
    rig.clock.advance(4_999);
    expect(rig.attempts).toBe(1);
    rig.clock.advance(1 + COARSE_MS);
    expect(rig.attempts).toBe(2);
    expect(waiter.granted).toEqual([rig.succeed()]);
    expect(rig.pool.taken).toBe(2);
  });

  test("is never exceeded, however many wait", () => {
    const rig = new Rig(WITH_RESERVE);
    rig.warm(1);
    for (let client = 0; client < 5; client += 1) rig.ask();
    rig.clock.advance(6_000);
    rig.succeed();
    rig.clock.advance(6_000);
    expect([rig.attempts, rig.pool.taken, rig.pool.waiting]).toEqual([2, 2, 3]);
  });

  test("is given back when nobody waits", () => {
    const rig = new Rig(WITH_RESERVE);
    const [own] = rig.warm(1);
    rig.ask();
    rig.ask();
    rig.clock.advance(5_000 + COARSE_MS);
    const extra = rig.succeed();
    rig.pool.release(extra);
    expect(rig.retired).toEqual([extra]);
    if (own !== undefined) rig.pool.release(own);
    rig.pool.gone(extra);
    expect([rig.pool.idle, rig.pool.taken]).toEqual([1, 1]);
  });

  test("of none lets all wait", () => {
    const rig = new Rig({ size: 1 });
    rig.warm(1);
    rig.ask();
    rig.ask();
    rig.clock.advance(LIMITS.checkoutTimeoutMs / 2);
    expect(rig.attempts).toBe(1);
  });
});

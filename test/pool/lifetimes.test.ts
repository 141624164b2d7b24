import { describe, expect, test } from "bun:test";
import { constantRandom, LIMITS, Rig } from "./rig.ts";

const COARSE_MS = 100;
const NEVER = Number.POSITIVE_INFINITY;

describe("idle timeout", () => {
  test("retires what was idle for so long, and not a moment before", () => {
    const rig = new Rig();
    const servers = rig.warm(2);
    rig.clock.advance(LIMITS.idleTimeoutMs - 1);
    expect(rig.retired).toEqual([]);
    rig.clock.advance(1 + COARSE_MS);
    expect(rig.retired).toEqual(servers);
    expect([rig.pool.idle, rig.pool.closing]).toEqual([0, 2]);
  });

  test("spares the one in use now and then", () => {
    const rig = new Rig();
    const [rested] = rig.warm(2);
    for (let n = 0; n < 3; n += 1) {
      rig.clock.advance(LIMITS.idleTimeoutMs / 2);
      for (const server of rig.ask().granted) rig.pool.release(server);
    }
    expect(rig.retired).toEqual(rested === undefined ? [] : [rested]);
    expect(rig.pool.idle).toBe(1);
  });

  test("spares what is active", () => {
    const rig = new Rig({ lifetimeMs: NEVER });
    rig.warm(1);
    rig.ask();
    rig.clock.advance(10 * LIMITS.idleTimeoutMs);
    expect([rig.retired.length, rig.pool.active]).toEqual([0, 1]);
  });

  test("never comes where it is Infinity", () => {
    const rig = new Rig({ idleTimeoutMs: NEVER, lifetimeMs: NEVER });
    rig.warm(2);
    rig.clock.advance(1_000_000_000);
    expect([rig.retired.length, rig.ticker.alarmsSet]).toEqual([0, 0]);
  });

  test("needs no timer once nothing is idle", () => {
    const rig = new Rig({ lifetimeMs: NEVER });
    for (const server of rig.warm(2)) rig.pool.gone(server);
    rig.clock.advance(LIMITS.idleTimeoutMs + COARSE_MS);
    expect([rig.ticker.alarmsSet, rig.clock.pending]).toEqual([0, 0]);
  });
});

describe("lifetime", () => {
  test("retires an idle one at its end", () => {
    const rig = new Rig({ idleTimeoutMs: NEVER });
    const servers = rig.warm(1);
    rig.clock.advance(LIMITS.lifetimeMs - 1);
    expect(rig.retired).toEqual([]);
    rig.clock.advance(1 + COARSE_MS);
    expect(rig.retired).toEqual(servers);
  });

  test("ends up to a tenth earlier, at random", () => {
    const rig = new Rig({ idleTimeoutMs: NEVER }, constantRandom(255));
    const servers = rig.warm(1);
    rig.clock.advance(LIMITS.lifetimeMs * 0.9 - COARSE_MS);
    expect(rig.retired).toEqual([]);
    rig.clock.advance(3 * COARSE_MS);
    expect(rig.retired).toEqual(servers);
  });

  test("lets an active one finish, and then lends it to nobody", () => {
    const rig = new Rig({ size: 1 });
    rig.ask();
    const server = rig.succeed();
    rig.clock.advance(LIMITS.lifetimeMs);
    expect(rig.retired).toEqual([]);
    const waiting = rig.ask();
    rig.pool.release(server);
    expect(rig.retired).toEqual([server]);
    expect([waiting.granted.length, rig.attempts]).toEqual([0, 1]);
    rig.pool.gone(server);
    const fresh = rig.succeed();
    expect(waiting.granted).toEqual([fresh]);
  });
});

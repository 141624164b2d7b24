import { describe, expect, test } from "bun:test";
import { GroupRig } from "./group-rig.ts";
import { LIMITS, type Rig } from "./rig.ts";

const COARSE_MS = 100;

function askFor(rig: Rig, count: number) {
  return Array.from({ length: count }, (_, index) => rig.ask(`c${index + 1}`));
}

describe("attempts before the first success", () => {
  test("are few, over all pools", () => {
    const shared = new GroupRig({
      pools: 2,
      limits: { size: 10 },
      attempts: { unprovenAttemptsMax: 4 },
    });
    for (const rig of shared.rigs) askFor(rig, 10);
    expect(shared.opening).toEqual([4, 0]);
  });

  test("are more with each success: one for that which ended, and one beside", () => {
    const shared = new GroupRig({
      pools: 1,
      limits: { size: 10 },
      attempts: { unprovenAttemptsMax: 2 },
    });
    askFor(shared.rig(0), 10);
    shared.rig(0).succeed();
    expect(shared.rig(0).attempts).toBe(4);
    shared.rig(0).succeed();
    expect(shared.rig(0).attempts).toBe(6);
  });

  test("are few again when there were none for a while", () => {
    const shared = new GroupRig({
      pools: 1,
      limits: { size: 10 },
      attempts: { unprovenAttemptsMax: 2 },
    });
    askFor(shared.rig(0), 2);
    shared.rig(0).succeed();
    shared.rig(0).succeed();
    askFor(shared.rig(0), 8);
    expect(shared.rig(0).pool.opening).toBe(2);
  });
});

describe("after a failure that concerns all pools", () => {
  test("one pool tries the ground, once the pause is over", () => {
    const shared = new GroupRig({ pools: 3 });
    for (const rig of shared.rigs) rig.ask();
    for (const rig of shared.rigs) rig.fail("away", "shared");
    expect(shared.opening).toEqual([0, 0, 0]);
    shared.clock.advance(LIMITS.retryMinMs + COARSE_MS);
    expect(shared.opening.reduce((sum, n) => sum + n)).toBe(1);
  });

  test("a pool that waited for another's attempt tries when the next is due, if that fails too", () => {
    const shared = new GroupRig({ pools: 2 });
    const leaving = shared.rig(0).ask();
    shared.rig(0).fail("away", "shared");
    shared.clock.advance(LIMITS.retryMinMs + COARSE_MS);
    const waiting = shared.rig(1).ask();
    expect(shared.opening).toEqual([1, 0]);
    shared.rig(0).pool.forget(leaving);
    shared.rig(0).fail("still away", "shared");
    shared.clock.advance(2 * LIMITS.retryMinMs + COARSE_MS);
    expect([waiting.refused.length, ...shared.opening]).toEqual([0, 0, 1]);
  });

  test("all pools that wait open again as soon as one has succeeded", () => {
    const shared = new GroupRig({ pools: 3 });
    for (const rig of shared.rigs) rig.ask();
    for (const rig of shared.rigs) rig.fail("away", "shared");
    shared.clock.advance(LIMITS.retryMinMs + COARSE_MS);
    const probing = shared.rigs.find(({ pool }) => pool.opening === 1);
    probing?.succeed();
    expect(shared.taken).toEqual([1, 1, 1]);
  });

  test("a new place is tried at once, and nobody is told of the old one", () => {
    const shared = new GroupRig({ pools: 2, attempts: { failFastAfterMs: 0 } });
    shared.rig(0).pool.changeLimits({ ...LIMITS, sizeMin: 1 });
    shared.rig(0).pool.wake();
    shared.rig(0).fail("away", "shared");
    shared.group.attempts.moved();
    const client = shared.rig(1).ask();
    expect([client.refused.length, shared.rig(1).pool.opening]).toEqual([0, 1]);
  });

  test("a pause is one for all, however many failed at once", () => {
    const shared = new GroupRig({ pools: 3 });
    for (const rig of shared.rigs) rig.ask();
    for (const rig of shared.rigs) rig.fail("away", "shared");
    expect(shared.group.attempts.retryAtMs).toBe(LIMITS.retryMinMs);
  });

  test("a refusal of one role says nothing about the others", () => {
    const shared = new GroupRig({ pools: 2 });
    shared.rig(0).ask();
    shared.rig(0).fail("too many connections for role", "own");
    shared.rig(1).ask();
    expect(shared.opening).toEqual([0, 1]);
  });

  test("a refusal of one role shows that the server is there", () => {
    const shared = new GroupRig({ pools: 2 });
    shared.rig(0).ask();
    shared.rig(0).fail("away", "shared");
    shared.rig(1).ask();
    shared.clock.advance(LIMITS.retryMinMs + COARSE_MS);
    const probing = shared.rigs.find(({ pool }) => pool.opening === 1);
    probing?.fail("wrong password", "permanent");
    expect(shared.group.attempts.failing).toBe(false);
  });
});

describe("when attempts have failed for long", () => {
  const FAIL_FAST_MS = 2000;

  /** Two pools, the first of which has tried in vain for that long. */
  function failing(): GroupRig {
    const shared = new GroupRig({
      pools: 2,
      limits: { retryMinMs: 60_000, retryMaxMs: 60_000 },
      attempts: { failFastAfterMs: FAIL_FAST_MS },
    });
    shared.rig(0).ask("early");
    shared.clock.advance(FAIL_FAST_MS / 2);
    shared.rig(0).fail("connection refused", "shared");
    return shared;
  }

  test("who waits is told why, when it has been long enough and not before", () => {
    const shared = failing();
    const waiting = shared.rig(1).ask();
    shared.clock.advance(FAIL_FAST_MS / 2 - 1);
    expect(waiting.refused).toEqual([]);
    shared.clock.advance(1 + COARSE_MS);
    expect(waiting.refused.map(({ message }) => message)).toEqual(["connection refused"]);
  });

  test("who comes is told at once, in every pool", () => {
    const shared = failing();
    shared.clock.advance(FAIL_FAST_MS);
    for (const rig of shared.rigs)
      expect(rig.ask().refused.map(({ message }) => message)).toEqual(["connection refused"]);
  });

  test("who comes when the next attempt is due makes it, and waits for it a little", () => {
    const shared = failing();
    shared.clock.advance(60_000 + COARSE_MS);
    const client = shared.rig(1).ask();
    expect([client.refused.length, shared.rig(1).pool.opening]).toEqual([0, 1]);
    shared.clock.advance(900);
    expect(client.refused.length).toBe(0);
    shared.clock.advance(100 + COARSE_MS);
    expect(client.refused.map(({ message }) => message)).toEqual(["connection refused"]);
  });

  test("a success lets all wait again", () => {
    const shared = failing();
    shared.clock.advance(60_000 + COARSE_MS);
    const client = shared.rig(1).ask();
    const server = shared.rig(1).succeed();
    expect(client.granted).toEqual([server]);
    const next = shared.rig(0).ask();
    expect([next.refused.length, shared.rig(0).pool.opening]).toEqual([0, 1]);
  });

  test("a pool that has something alive goes on lending it", () => {
    const shared = failing();
    shared.clock.advance(60_000 + COARSE_MS);
    shared.rig(1).ask();
    const server = shared.rig(1).succeed();
    shared.rig(0).ask();
    shared.rig(0).fail("connection refused", "shared");
    shared.clock.advance(FAIL_FAST_MS + COARSE_MS);
    const waiting = shared.rig(1).ask();
    expect(waiting.refused).toEqual([]);
    shared.rig(1).pool.release(server);
    expect(waiting.granted).toEqual([server]);
  });
});

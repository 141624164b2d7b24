import { describe, expect, test } from "bun:test";
import { GroupClaim } from "../../src/pool/group-claim.ts";
import { GroupRig } from "./group-rig.ts";
import { LIMITS, outcomes } from "./rig.ts";

const YOUNG_MS = 100;
const COARSE_MS = 100;

describe("what pools share", () => {
  test("is never exceeded by all of them together, those included that are being opened", () => {
    const { rigs, group } = new GroupRig({ max: 3, pools: 2 });
    for (const rig of rigs) {
      rig.ask();
      rig.ask();
    }
    expect([group.taken, ...rigs.map(({ attempts }) => attempts)]).toEqual([3, 2, 1]);
  });

  test("counts a resource until it is really closed", () => {
    const shared = new GroupRig({ max: 1, pools: 2 });
    const [server] = shared.rig(0).warm(1);
    const waiting = shared.rig(1).ask("b");
    expect(shared.rig(0).retired).toEqual(server === undefined ? [] : [server]);
    expect(shared.rig(1).attempts).toBe(0);
    if (server !== undefined) shared.rig(0).pool.gone(server);
    expect(shared.rig(1).attempts).toBe(1);
    shared.rig(1).succeed("s");
    expect(outcomes([waiting])).toEqual(["b: s"]);
  });

  test("gives back the room of an attempt that failed", () => {
    const shared = new GroupRig({ max: 1, pools: 2 });
    shared.rig(0).ask();
    shared.rig(1).ask();
    expect(shared.opening).toEqual([1, 0]);
    shared.rig(0).fail("wrong password", "permanent");
    expect(shared.opening).toEqual([0, 1]);
  });

  test("takes what is idle for longest, wherever that is, and no more than is wanted", () => {
    const shared = new GroupRig({ max: 3, pools: 3 });
    const [first] = shared.rig(0).warm(1);
    shared.clock.advance(10);
    shared.rig(1).warm(2);
    shared.rig(2).ask();
    expect(shared.rig(0).retired).toEqual(first === undefined ? [] : [first]);
    expect(shared.rig(1).retired).toEqual([]);
  });

  test("leaves what is idle alone where somebody waits for an attempt that may not start", () => {
    const shared = new GroupRig({ max: 2, pools: 2 });
    shared.rig(0).warm(1);
    shared.rig(1).ask();
    shared.rig(1).fail("away", "shared");
    shared.rig(0).ask();
    shared.rig(0).ask();
    expect(shared.rig(0).retired).toEqual([]);
  });

  test("takes nothing for what is only to be kept open", () => {
    const shared = new GroupRig({ max: 2, pools: 2 });
    shared.rig(0).warm(2);
    shared.rig(1).pool.changeLimits({ ...LIMITS, sizeMin: 1 });
    shared.rig(1).pool.wake();
    expect([shared.rig(0).retired.length, shared.rig(1).attempts]).toEqual([0, 0]);
  });
});

describe("a pool without any", () => {
  test("gets the next one that comes back to a pool that has two", () => {
    const shared = new GroupRig({ max: 2, pools: 2 });
    const [one, other] = shared.rig(0).warm(2);
    const held = [shared.rig(0).ask("a1"), shared.rig(0).ask("a2"), shared.rig(0).ask("a3")];
    shared.rig(1).ask("b");
    if (one === undefined || other === undefined) throw new Error("two are warm");
    shared.rig(0).pool.release(one);
    expect(outcomes(held)[2]).toBe("a3: waits");
    shared.rig(0).pool.gone(one);
    expect(shared.opening).toEqual([0, 1]);
    shared.rig(0).pool.release(other);
    expect(outcomes(held)[2]).toBe("a3: s2");
  });

  test("goes before a pool that has some, though that has waited for longer", () => {
    const shared = new GroupRig({ max: 2, pools: 3 });
    const [rich] = shared.rig(0).warm(1);
    const [other] = shared.rig(1).warm(1);
    if (rich === undefined || other === undefined) throw new Error("they are warm");
    for (const index of [0, 1]) shared.rig(index).ask();
    shared.rig(0).ask("waits since long");
    shared.clock.advance(1000);
    shared.rig(2).ask();
    shared.rig(1).pool.gone(other);
    expect(shared.opening).toEqual([0, 0, 1]);
  });

  test("gets the only one of another, once its client has waited longer than those there", () => {
    const shared = new GroupRig({ max: 1, pools: 2 });
    const [server] = shared.rig(0).warm(1);
    if (server === undefined) throw new Error("one is warm");
    shared.rig(0).ask("holds");
    const sooner = shared.rig(0).ask("sooner");
    shared.clock.advance(YOUNG_MS);
    shared.rig(1).ask("b");
    shared.clock.advance(1);
    const later = shared.rig(0).ask("later");
    shared.rig(0).pool.release(server);
    expect(outcomes([sooner, later])).toEqual(["sooner: s1", "later: waits"]);
    shared.rig(0).pool.release(server);
    expect(outcomes([later])).toEqual(["later: waits"]);
    expect(shared.rig(0).retired).toEqual([server]);
  });

  test("waits until one that has just been opened was used for a while", () => {
    const shared = new GroupRig({ max: 1, pools: 2 });
    shared.rig(0).ask("a1");
    shared.rig(1).ask("b");
    shared.clock.advance(1);
    const behind = shared.rig(0).ask("a2");
    const server = shared.rig(0).succeed("s");
    shared.rig(0).pool.release(server);
    expect(outcomes([behind])).toEqual(["a2: s"]);
    shared.clock.advance(YOUNG_MS);
    shared.rig(0).ask("a3");
    shared.rig(0).pool.release(server);
    expect(shared.rig(0).retired).toEqual([server]);
  });

  test("is told after the checkout timeout which limit it met", () => {
    const shared = new GroupRig({ max: 1, pools: 2 });
    shared.rig(0).warm(1);
    shared.rig(0).ask();
    const waiting = shared.rig(1).ask();
    shared.clock.advance(LIMITS.checkoutTimeoutMs - COARSE_MS);
    expect(waiting.refused).toEqual([]);
    shared.clock.advance(2 * COARSE_MS);
    expect(waiting.refused[0]?.detail).toContain("have 1 servers; the limit is 1");
    expect(waiting.refused[0]?.hint).toContain("max_server_connections");
  });
});

describe("a changed number", () => {
  test("that is larger lets pools that wait open at once", () => {
    const shared = new GroupRig({ max: 1, pools: 3 });
    for (const rig of shared.rigs) rig.ask();
    shared.group.changeMax(2, shared.clock.now());
    expect(shared.opening).toEqual([1, 1, 0]);
  });

  test("that is smaller retires what is idle, and what is lent as it comes back", () => {
    const shared = new GroupRig({ max: 4, pools: 2 });
    const [, busy] = shared.rig(0).warm(2);
    shared.clock.advance(1);
    shared.rig(1).warm(2);
    shared.rig(0).ask();
    shared.group.changeMax(1, shared.clock.now());
    expect([shared.rig(0).retired.length, shared.rig(1).retired.length]).toEqual([1, 2]);
    if (busy === undefined) throw new Error("two were warm");
    for (const rig of shared.rigs) for (const server of rig.retired) rig.pool.gone(server);
    expect(shared.taken).toEqual([1, 0]);
    shared.rig(0).pool.release(busy);
    expect([shared.rig(0).pool.idle, shared.group.taken]).toEqual([1, 1]);
  });
});

describe("a claim", () => {
  test("takes room that no pool has, and gives it back once", () => {
    const shared = new GroupRig({ max: 1, pools: 1 });
    const granted: string[] = [];
    const claim = new GroupClaim(shared.group, 0, () => granted.push("claim"));
    claim.claim();
    shared.rig(0).ask();
    expect([granted, shared.rig(0).attempts]).toEqual([["claim"], 0]);
    claim.release(0);
    claim.release(0);
    expect([shared.rig(0).attempts, shared.group.taken]).toEqual([1, 1]);
  });

  test("waits as a pool without any does, and has what is idle closed", () => {
    const shared = new GroupRig({ max: 1, pools: 1 });
    const [server] = shared.rig(0).warm(1);
    const granted: string[] = [];
    new GroupClaim(shared.group, 0, () => granted.push("claim")).claim();
    expect([shared.rig(0).retired.length, granted]).toEqual([1, []]);
    if (server !== undefined) shared.rig(0).pool.gone(server);
    expect(granted).toEqual(["claim"]);
  });

  test("that nobody wants any more is granted to nobody", () => {
    const shared = new GroupRig({ max: 1, pools: 1 });
    shared.rig(0).ask();
    const granted: string[] = [];
    const claim = new GroupClaim(shared.group, 0, () => granted.push("claim"));
    claim.claim();
    claim.release(0);
    shared.rig(0).fail("no", "permanent");
    expect([granted, shared.group.taken]).toEqual([[], 0]);
  });
});

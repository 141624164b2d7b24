import { expect, test } from "bun:test";
import { LIMITS, OpenError, outcomes, Rig } from "./rig.ts";

const COARSE_MS = 100;

test("a paused pool retires what is idle at once, and what is lent as it comes back", () => {
  const rig = new Rig();
  const [idle, lent] = rig.warm(2);
  if (idle === undefined || lent === undefined) throw new Error("two are warm");
  expect(rig.ask().granted).toEqual([lent]);
  rig.pool.pause();
  expect(rig.retired).toEqual([idle]);
  rig.pool.release(lent);
  expect(rig.retired).toEqual([idle, lent]);
});

test("a paused pool retires what was being opened when it is there", () => {
  const rig = new Rig();
  const waiting = rig.ask("c");
  rig.pool.pause();
  const server = rig.succeed();
  expect(rig.retired).toEqual([server]);
  expect(outcomes([waiting])).toEqual(["c: waits"]);
});

test("who waits at a paused pool waits for as long as it takes, and its time begins when it is resumed", () => {
  const rig = new Rig();
  rig.pool.pause();
  const waiting = rig.ask();
  rig.clock.advance(10 * LIMITS.checkoutTimeoutMs);
  expect([waiting.refused.length, rig.attempts]).toEqual([0, 0]);
  rig.pool.resume();
  expect([waiting.refused.length, rig.attempts]).toEqual([0, 1]);
  rig.clock.advance(LIMITS.connectDeadlineMs + COARSE_MS);
  expect(waiting.refused.length).toBe(1);
});

test("who waited is served in the order of before", () => {
  const rig = new Rig({ size: 1 });
  rig.pool.pause();
  const clients = ["a", "b"].map((label) => rig.ask(label));
  rig.pool.resume();
  rig.pool.release(rig.succeed("s"));
  expect(outcomes(clients)).toEqual(["a: s", "b: s"]);
});

test("a paused pool keeps no minimum open", () => {
  const rig = new Rig({ sizeMin: 2 });
  rig.pool.pause();
  rig.pool.wake();
  expect(rig.attempts).toBe(0);
  rig.pool.resume();
  expect(rig.attempts).toBe(2);
});

test("a paused pool sets no alarm", () => {
  const rig = new Rig();
  rig.warm(1);
  rig.pool.pause();
  rig.ask();
  expect(rig.ticker.alarmsSet).toBe(0);
});

test("a paused pool that is closed refuses who waits", () => {
  const rig = new Rig();
  rig.pool.pause();
  const waiting = rig.ask();
  rig.pool.close(new OpenError("the end"));
  expect(waiting.refused.map(({ message }) => message)).toEqual(["the end"]);
});

test("resuming a pool that is not paused changes nothing", () => {
  const rig = new Rig({ size: 1 });
  rig.ask();
  rig.succeed();
  const waiting = rig.ask();
  rig.clock.advance(LIMITS.checkoutTimeoutMs - 1);
  rig.pool.resume();
  rig.clock.advance(1 + COARSE_MS);
  expect(waiting.refused.length).toBe(1);
});

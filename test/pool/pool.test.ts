import { describe, expect, test } from "bun:test";
import { FakeClient, FakeServer, OpenError, outcomes, Rig } from "./rig.ts";

describe("lending", () => {
  test("opens one for the first who asks and lends it to them", () => {
    const rig = new Rig();
    const client = rig.ask();
    expect(client.granted).toEqual([]);
    expect(rig.attempts).toBe(1);
    const server = rig.succeed();
    expect(client.granted).toEqual([server]);
    expect([rig.pool.active, rig.pool.idle, rig.pool.waiting]).toEqual([1, 0, 0]);
  });

  test("opens for all waiters at once, up to the size and no further", () => {
    const rig = new Rig({ size: 3 });
    for (let n = 0; n < 5; n += 1) rig.ask();
    expect([rig.attempts, rig.pool.opening, rig.pool.waiting]).toEqual([3, 3, 5]);
  });

  test("lends the idle one that was used last", () => {
    const rig = new Rig({ size: 3 });
    const [first, second, third] = rig.warm(3);
    expect(rig.ask().granted).toEqual(third === undefined ? [] : [third]);
    expect(rig.ask().granted).toEqual(second === undefined ? [] : [second]);
    expect(rig.ask().granted).toEqual(first === undefined ? [] : [first]);
  });

  test("lends the one idle for longest where the order is fifo, round and round", () => {
    const rig = new Rig({ size: 3, lendingOrder: "fifo" });
    rig.warm(3);
    const lent: string[] = [];
    for (let turn = 0; turn < 5; turn += 1) {
      const [server] = rig.ask().granted;
      if (server === undefined) break;
      lent.push(server.label);
      rig.pool.release(server);
    }
    expect(lent).toEqual(["s1", "s2", "s3", "s1", "s2"]);
  });

  test("looks for a preference among the eight idle for longest, where the order is fifo", () => {
    const rig = new Rig({ size: 9, lendingOrder: "fifo" });
    const servers = rig.warm(9);
    const near = new FakeClient("near");
    near.preferred = servers[7] ?? null;
    rig.askFor(near);
    const far = new FakeClient("far");
    far.preferred = servers[8] ?? null;
    rig.askFor(far);
    expect(outcomes([near, far])).toEqual(["near: s8", "far: s9"]);
    const farther = new Rig({ size: 9, lendingOrder: "fifo" });
    const others = farther.warm(9);
    far.granted.length = 0;
    far.preferred = others[8] ?? null;
    farther.askFor(far);
    expect(outcomes([far])).toEqual(["far: s1"]);
  });

  test("lends the idle one that the waiter prefers, though another was used later", () => {
    const rig = new Rig({ size: 3 });
    const servers = rig.warm(3);
    const client = new FakeClient("picky");
    client.preferred = servers[0] ?? null;
    rig.askFor(client);
    expect(outcomes([client])).toEqual(["picky: s1"]);
  });

  test("looks for a preference among the eight used last only", () => {
    const rig = new Rig({ size: 9 });
    const servers = rig.warm(9);
    const client = new FakeClient("picky");
    client.preferred = servers[0] ?? null;
    rig.askFor(client);
    expect(outcomes([client])).toEqual(["picky: s9"]);
  });

  test("hands a released one to whoever waits longest", () => {
    const rig = new Rig({ size: 1 });
    rig.ask();
    const server = rig.succeed("s");
    const waiting = ["a", "b", "c"].map((label) => rig.ask(label));
    rig.pool.release(server);
    expect(outcomes(waiting)).toEqual(["a: s", "b: waits", "c: waits"]);
    rig.pool.release(server);
    expect(outcomes(waiting)).toEqual(["a: s", "b: s", "c: waits"]);
  });

  test("gives an opened one to the first waiter, whoever it was opened for", () => {
    const rig = new Rig({ size: 2 });
    const waiting = ["a", "b", "c"].map((label) => rig.ask(label));
    rig.pool.release(rig.succeed("s"));
    expect(outcomes(waiting)).toEqual(["a: s", "b: s", "c: waits"]);
    rig.succeed("t");
    expect(outcomes(waiting)).toEqual(["a: s", "b: s", "c: t"]);
  });

  test("leaves one idle that was opened for a client who has left", () => {
    const rig = new Rig();
    rig.pool.forget(rig.ask());
    const server = rig.succeed();
    expect([rig.pool.idle, rig.pool.waiting]).toEqual([1, 0]);
    expect(rig.ask().granted).toEqual([server]);
  });

  test("passes over a client who has left the middle of the queue", () => {
    const rig = new Rig({ size: 1 });
    rig.ask();
    const server = rig.succeed("s");
    const [a, b, c] = [rig.ask("a"), rig.ask("b"), rig.ask("c")];
    rig.pool.forget(a);
    rig.pool.forget(b);
    rig.pool.release(server);
    expect(outcomes([a, b, c])).toEqual(["a: waits", "b: waits", "c: s"]);
  });

  test("says how many wait and how long the first has waited", () => {
    const rig = new Rig({ size: 1 });
    expect(rig.pool.oldestWaitMs).toBe(0);
    rig.ask();
    rig.clock.advance(30);
    rig.ask();
    rig.clock.advance(12);
    expect([rig.pool.waiting, rig.pool.oldestWaitMs]).toEqual([2, 42]);
  });
});

describe("slots", () => {
  test("keeps the slot of a discarded one until it is really closed", () => {
    const rig = new Rig({ size: 1 });
    rig.ask();
    const server = rig.succeed();
    const next = rig.ask("next");
    rig.pool.discard(server);
    expect([rig.attempts, rig.pool.closing, rig.pool.taken]).toEqual([1, 1, 1]);
    rig.pool.gone(server);
    expect([rig.attempts, rig.pool.opening, rig.pool.taken]).toEqual([2, 1, 1]);
    rig.succeed("t");
    expect(outcomes([next])).toEqual(["next: t"]);
  });

  test("opens nothing in place of one that died while nobody waits", () => {
    const rig = new Rig();
    const [server] = rig.warm(1);
    if (server !== undefined) rig.pool.gone(server);
    expect([rig.attempts, rig.pool.taken]).toEqual([1, 0]);
  });

  test("frees the slot of one that died in use", () => {
    const rig = new Rig({ size: 1 });
    rig.ask();
    const server = rig.succeed();
    rig.ask();
    rig.pool.gone(server);
    expect([rig.attempts, rig.pool.active, rig.pool.opening]).toEqual([2, 0, 1]);
  });

  test("lends an idle one that was discarded to nobody", () => {
    const rig = new Rig({ size: 1 });
    const [server] = rig.warm(1);
    if (server !== undefined) rig.pool.discard(server);
    expect(rig.ask().granted).toEqual([]);
    expect([rig.attempts, rig.pool.closing]).toEqual([1, 1]);
  });

  test("opens more at once when the size grows", () => {
    const rig = new Rig({ size: 1 });
    for (let n = 0; n < 3; n += 1) rig.ask();
    rig.pool.resize(3);
    expect([rig.attempts, rig.pool.size]).toEqual([3, 3]);
  });

  test("retires the least recently used ones when the size shrinks, and active ones as they return", () => {
    const rig = new Rig({ size: 4 });
    const servers = rig.warm(4);
    const busy = rig.ask().granted;
    rig.ask();
    rig.pool.resize(1);
    expect(rig.retired).toEqual(servers.slice(0, 2));
    expect([rig.pool.active, rig.pool.closing]).toEqual([2, 2]);
    const waiting = rig.ask("w");
    for (const server of busy) rig.pool.release(server);
    expect([rig.retired.length, rig.pool.active]).toEqual([3, 1]);
    expect(outcomes([waiting])).toEqual(["w: waits"]);
  });

  test("retires one that arrives after the size has shrunk", () => {
    const rig = new Rig({ size: 2 });
    rig.ask();
    rig.ask();
    rig.pool.resize(1);
    rig.succeed("s");
    rig.succeed("t");
    expect(rig.pool.taken).toBe(2);
    expect([rig.pool.active, rig.pool.closing]).toEqual([1, 1]);
  });
});

describe("illegal verbs", () => {
  test("refuses to queue a waiter that waits", () => {
    const rig = new Rig();
    const client = rig.ask();
    expect(() => rig.pool.acquire(client)).toThrow("waits once at a time");
  });

  test("refuses to forget a waiter that does not wait", () => {
    expect(() => new Rig().pool.forget(new FakeClient("stranger"))).toThrow("stands in this queue");
  });

  test("refuses to forget a waiter of another pool", () => {
    const client = new Rig().ask();
    expect(() => new Rig().pool.forget(client)).toThrow("stands in this queue");
  });

  test("refuses to release an idle one, or the same one twice", () => {
    const rig = new Rig();
    rig.ask();
    const server = rig.succeed();
    rig.pool.release(server);
    expect(() => rig.pool.release(server)).toThrow("only an active resource");
    expect(rig.pool.idle).toBe(1);
  });

  test("refuses to release one that is being closed", () => {
    const rig = new Rig();
    rig.ask();
    const server = rig.succeed();
    rig.pool.discard(server);
    expect(() => rig.pool.release(server)).toThrow("only an active resource");
  });

  test("refuses to discard twice", () => {
    const rig = new Rig();
    rig.ask();
    const server = rig.succeed();
    rig.pool.discard(server);
    expect(() => rig.pool.discard(server)).toThrow("from closing to closing");
  });

  test("refuses any verb for one that is gone", () => {
    const rig = new Rig();
    rig.ask();
    const server = rig.succeed();
    rig.pool.gone(server);
    expect(() => rig.pool.gone(server)).toThrow("from gone to gone");
    expect(() => rig.pool.discard(server)).toThrow("from gone to closing");
    expect(() => rig.pool.release(server)).toThrow("only an active resource");
    expect(() => rig.pool.opened(server)).toThrow("opened once");
    expect(rig.pool.taken).toBe(0);
  });

  test("refuses one of another pool", () => {
    const other = new Rig();
    other.ask();
    const server = other.succeed();
    const rig = new Rig();
    expect(() => rig.pool.release(server)).toThrow("this pool's");
    expect(() => rig.pool.discard(server)).toThrow("this pool's");
    expect(() => rig.pool.gone(server)).toThrow("this pool's");
  });

  test("refuses a result when no attempt is under way", () => {
    const rig = new Rig();
    expect(() => rig.pool.opened(new FakeServer("s"))).toThrow("counted");
    expect(() => rig.fail()).toThrow("under way");
    expect(rig.pool.taken).toBe(0);
  });

  test("refuses limits that make no pool", () => {
    expect(() => new Rig({ size: 0 })).toThrow("room for one");
    expect(() => new Rig({ size: 1.5 })).toThrow("whole number");
    expect(() => new Rig({ checkoutTimeoutMs: 0 })).toThrow("checkout");
    expect(() => new Rig({ retryMinMs: 10, retryMaxMs: 9 })).toThrow("longest retry");
    const rig = new Rig();
    expect(() => rig.pool.resize(0)).toThrow("room for one");
    expect(rig.pool.size).toBe(2);
  });
});

describe("closing", () => {
  test("refuses who waits and who asks later, with the given error", () => {
    const rig = new Rig({ size: 1 });
    const waiting = [rig.ask("a"), rig.ask("b")];
    rig.pool.close(new OpenError("the end"));
    waiting.push(rig.ask("late"));
    expect(outcomes(waiting)).toEqual(["a: the end", "b: the end", "late: the end"]);
    expect(rig.attempts).toBe(1);
  });

  test("retires idle ones now, and the others as they come back or arrive", () => {
    const rig = new Rig({ size: 3 });
    const [first, second] = rig.warm(2);
    const [busy] = rig.ask().granted;
    rig.pool.resize(4);
    rig.ask();
    rig.ask();
    rig.pool.close(new OpenError("the end"));
    expect([rig.pool.idle, rig.pool.active, rig.pool.opening]).toEqual([0, 2, 1]);
    if (busy !== undefined) rig.pool.release(busy);
    const late = rig.succeed("late");
    expect(rig.retired).toEqual(second === undefined ? [] : [second, late]);
    if (first !== undefined) rig.pool.gone(first);
    for (const server of rig.retired) rig.pool.gone(server);
    expect(rig.pool.taken).toBe(0);
    expect(rig.ticker.alarmsSet).toBe(0);
  });

  test("does not try again after an attempt that fails", () => {
    const rig = new Rig();
    rig.ask();
    rig.pool.close(new OpenError("the end"));
    rig.fail();
    rig.clock.advance(60_000);
    expect([rig.attempts, rig.pool.taken]).toEqual([1, 0]);
  });

  test("keeps the first error when it is closed twice", () => {
    const rig = new Rig();
    rig.pool.close(new OpenError("first"));
    rig.pool.close(new OpenError("second"));
    expect(outcomes([rig.ask("late")])).toEqual(["late: first"]);
  });
});

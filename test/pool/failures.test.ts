import { describe, expect, test } from "bun:test";
import { CheckoutTimeoutError } from "../../src/pool/checkout-timeout-error.ts";
import { ConnectDeadlineError } from "../../src/pool/connect-deadline-error.ts";
import { constantRandom, LIMITS, outcomes, Rig } from "./rig.ts";

const { checkoutTimeoutMs, connectDeadlineMs } = LIMITS;
/** An alarm may ring this much later than it is set for. */
const COARSE_MS = 100;

describe("an attempt that fails for good", () => {
  test("refuses all who wait, at once, with its own error", () => {
    const rig = new Rig();
    const waiting = ["a", "b", "c"].map((label) => rig.ask(label));
    rig.fail("wrong password", "permanent");
    expect(outcomes(waiting)).toEqual([
      "a: wrong password",
      "b: wrong password",
      "c: wrong password",
    ]);
    expect(rig.pool.waiting).toBe(0);
  });

  test("refuses nobody while another resource is alive", () => {
    const rig = new Rig();
    rig.ask();
    const waiting = rig.ask("a");
    const server = rig.succeed("s");
    rig.fail("wrong password", "permanent");
    expect(outcomes([waiting])).toEqual(["a: waits"]);
    rig.pool.release(server);
    expect(outcomes([waiting])).toEqual(["a: s"]);
  });

  test("refuses all when what is left is being closed", () => {
    const rig = new Rig();
    rig.ask();
    const waiting = rig.ask("a");
    rig.pool.discard(rig.succeed());
    rig.fail("wrong password", "permanent");
    expect(outcomes([waiting])).toEqual(["a: wrong password"]);
  });

  test("does not answer for those who ask later: they get an attempt of their own at once", () => {
    const rig = new Rig();
    rig.ask();
    rig.fail("no such database", "permanent");
    const late = rig.ask("late");
    expect(rig.attempts).toBe(2);
    rig.succeed("s");
    expect(outcomes([late])).toEqual(["late: s"]);
  });

  test("lets those who ask later share one attempt", () => {
    const rig = new Rig({ size: 5 });
    rig.ask();
    rig.fail("no such database", "permanent");
    const late = [rig.ask("a"), rig.ask("b")];
    expect([rig.attempts, rig.pool.opening]).toEqual([2, 1]);
    rig.fail("no such database", "permanent");
    expect(outcomes(late)).toEqual(["a: no such database", "b: no such database"]);
  });
});

describe("an attempt that fails for now", () => {
  test("is repeated after a pause, and the waiter keeps waiting", () => {
    const rig = new Rig();
    const waiting = rig.ask("a");
    rig.fail();
    expect([rig.attempts, rig.pool.opening]).toEqual([1, 0]);
    rig.clock.advance(LIMITS.retryMinMs - 1);
    expect(rig.attempts).toBe(1);
    rig.clock.advance(1 + COARSE_MS);
    expect(rig.attempts).toBe(2);
    rig.succeed("s");
    expect(outcomes([waiting])).toEqual(["a: s"]);
  });

  test("doubles the pause from failure to failure, up to the longest", () => {
    const rig = new Rig({ connectDeadlineMs: 59_000 });
    rig.ask();
    const startedAtMs: number[] = [];
    rig.whenOpen = () => startedAtMs.push(rig.clock.now());
    for (let n = 0; n < 7; n += 1) {
      rig.fail();
      rig.clock.advance(LIMITS.retryMaxMs + COARSE_MS - (rig.clock.now() % COARSE_MS));
    }
    const at = [0, ...startedAtMs];
    expect(at.length).toBe(8);
    const pauses = at.slice(1).map((ms, n) => ms - n * (LIMITS.retryMaxMs + COARSE_MS));
    expect(pauses).toEqual([200, 400, 800, 1_600, 3_200, 5_000, 5_000]);
  });

  test("shortens the pause by up to half, at random", () => {
    const rig = new Rig({}, constantRandom(255));
    rig.ask();
    rig.fail();
    rig.clock.advance(LIMITS.retryMinMs / 2 - COARSE_MS);
    expect(rig.attempts).toBe(1);
    rig.clock.advance(2 * COARSE_MS);
    expect(rig.attempts).toBe(2);
  });

  test("is repeated by one attempt at a time, until one succeeds", () => {
    const rig = new Rig({ size: 4 });
    for (let n = 0; n < 4; n += 1) rig.ask();
    for (let n = 0; n < 4; n += 1) rig.fail();
    rig.clock.advance(LIMITS.retryMinMs + COARSE_MS);
    expect([rig.attempts, rig.pool.opening]).toEqual([5, 1]);
    rig.succeed();
    expect([rig.attempts, rig.pool.opening]).toEqual([8, 3]);
  });

  test("counts failures of attempts that started together as one", () => {
    const rig = new Rig({ size: 4 });
    for (let n = 0; n < 4; n += 1) rig.ask();
    for (let n = 0; n < 4; n += 1) rig.fail();
    rig.clock.advance(LIMITS.retryMinMs + COARSE_MS);
    rig.fail();
    rig.clock.advance(2 * LIMITS.retryMinMs + COARSE_MS);
    expect(rig.attempts).toBe(6);
  });

  test("is not repeated when nobody waits any more", () => {
    const rig = new Rig();
    const client = rig.ask();
    rig.fail();
    rig.pool.forget(client);
    rig.clock.advance(60_000);
    expect(rig.attempts).toBe(1);
  });

  test("makes those who ask during the pause wait for its end", () => {
    const rig = new Rig();
    rig.ask();
    rig.fail();
    rig.ask();
    expect(rig.attempts).toBe(1);
    rig.clock.advance(LIMITS.retryMinMs + COARSE_MS);
    expect(rig.attempts).toBe(2);
  });

  test("frees its slot", () => {
    const rig = new Rig({ size: 1 });
    rig.ask();
    rig.fail();
    expect(rig.pool.taken).toBe(0);
  });
});

describe("waiting while nothing is alive", () => {
  test("ends with the latest open error at the connect deadline", () => {
    const rig = new Rig();
    const client = rig.ask("a");
    rig.fail("starting up");
    rig.clock.advance(connectDeadlineMs - 1);
    expect(outcomes([client])).toEqual(["a: waits"]);
    rig.clock.advance(1 + COARSE_MS);
    expect(outcomes([client])).toEqual(["a: starting up"]);
  });

  test("ends with a timeout of the connection when no attempt has ended by then", () => {
    const rig = new Rig();
    const client = rig.ask();
    rig.clock.advance(connectDeadlineMs + COARSE_MS);
    const [error] = client.refused;
    expect(error).toBeInstanceOf(ConnectDeadlineError);
    expect(error).toMatchObject({ sqlstate: "08001", severity: "ERROR" });
    expect(error?.detail).toContain("15000 ms");
  });

  test("has its deadline counted from the death of the last one alive", () => {
    const rig = new Rig({ size: 1 });
    rig.ask();
    const server = rig.succeed();
    const client = rig.ask("a");
    rig.clock.advance(connectDeadlineMs + 1_000);
    rig.pool.gone(server);
    rig.fail("server is down");
    expect(outcomes([client])).toEqual(["a: waits"]);
    rig.clock.advance(connectDeadlineMs + COARSE_MS);
    expect(outcomes([client])).toEqual(["a: server is down"]);
  });

  test("has no error left over from before the latest success", () => {
    const rig = new Rig({ size: 1 });
    rig.ask();
    rig.fail("old news");
    rig.clock.advance(LIMITS.retryMinMs + COARSE_MS);
    const server = rig.succeed();
    const client = rig.ask();
    rig.pool.gone(server);
    rig.clock.advance(connectDeadlineMs + COARSE_MS);
    expect(client.refused[0]).toBeInstanceOf(ConnectDeadlineError);
  });

  test("ends at the checkout timeout when that is shorter", () => {
    const rig = new Rig({ checkoutTimeoutMs: 1_000 });
    const client = rig.ask("a");
    rig.fail("starting up");
    rig.clock.advance(1_000 + COARSE_MS);
    expect(outcomes([client])).toEqual(["a: starting up"]);
  });
});

describe("waiting for one of the living", () => {
  test("ends at the checkout timeout, not before, the first comer first", () => {
    const rig = new Rig({ size: 1 });
    rig.ask();
    rig.succeed();
    const first = rig.ask();
    rig.clock.advance(1_000);
    const second = rig.ask();
    rig.clock.advance(checkoutTimeoutMs - 1_001);
    expect([first.refused.length, second.refused.length]).toEqual([0, 0]);
    rig.clock.advance(1 + COARSE_MS);
    expect([first.refused.length, second.refused.length]).toEqual([1, 0]);
    rig.clock.advance(1_000);
    expect([first.refused.length, second.refused.length]).toEqual([1, 1]);
    expect(rig.pool.waiting).toBe(0);
  });

  test("goes on for one who is overdue and gets a resource before the next tick", () => {
    const rig = new Rig({ size: 1 });
    rig.ask();
    const server = rig.succeed("s");
    rig.clock.advance(50);
    const client = rig.ask("a");
    rig.clock.advance(checkoutTimeoutMs + 10);
    rig.pool.release(server);
    expect(outcomes([client])).toEqual(["a: s"]);
  });

  test("is refused as a lack of resources, with the figures and what to do", () => {
    const rig = new Rig({ size: 1 });
    rig.ask();
    rig.succeed();
    const client = rig.ask();
    rig.ask();
    rig.clock.advance(checkoutTimeoutMs + COARSE_MS);
    const [error] = client.refused;
    expect(error).toBeInstanceOf(CheckoutTimeoutError);
    expect(error).toMatchObject({
      sqlstate: "53300",
      severity: "ERROR",
      message: "could not obtain a server connection from the pool within 60000 ms",
      detail: "Pool size is 1: 1 active, 0 idle, 0 opening, 0 closing; clients waiting: 2.",
    });
    expect(error?.hint).toContain("pool_size");
  });

  test("is told why no more could be opened", () => {
    const rig = new Rig({ size: 2, checkoutTimeoutMs: 100 });
    rig.ask();
    rig.succeed();
    const client = rig.ask();
    rig.fail("too many clients");
    rig.clock.advance(100 + COARSE_MS);
    expect(client.refused[0]?.detail).toEndWith("connection failed: too many clients");
  });

  test("leaves what was opened for it to the next", () => {
    const rig = new Rig({ checkoutTimeoutMs: 1_000 });
    const late = rig.ask("a");
    rig.clock.advance(1_000 + COARSE_MS);
    const next = rig.ask("b");
    rig.succeed("s");
    expect(late.granted).toEqual([]);
    expect(outcomes([next])).toEqual(["b: s"]);
  });
});

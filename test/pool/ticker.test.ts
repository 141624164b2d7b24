import { describe, expect, test } from "bun:test";
import type { Clock, Timer } from "../../src/base/clock.ts";
import { Alarm, Ticker } from "../../src/pool/ticker.ts";
import { FakeClock } from "../support/fake-clock.ts";

/** Runs its latest timer when told, however late: FakeClock would run every one in its time. */
class StalledClock implements Clock {
  #now = 0;
  #wake: () => void = () => {};

  now(): number {
    return this.#now;
  }

  after(_delayMs: number, callback: () => void): Timer {
    this.#wake = callback;
    return { cancel: () => {} };
  }

  wakeAt(nowMs: number): void {
    this.#now = nowMs;
    this.#wake();
  }
}

function setUp(): { clock: FakeClock; ticker: Ticker; faults: unknown[] } {
  const clock = new FakeClock();
  const faults: unknown[] = [];
  return { clock, faults, ticker: new Ticker({ clock, onFault: (error) => faults.push(error) }) };
}

describe("Ticker", () => {
  test("rings an alarm at its time or within 100 ms, never before, at any distance", () => {
    for (const atMs of [0, 1, 99, 100, 101, 102_399, 102_400, 102_500, 1_000_001]) {
      const { clock, ticker } = setUp();
      const rungAtMs: number[] = [];
      ticker.ringBy(new Alarm((nowMs) => rungAtMs.push(nowMs)), atMs);
      clock.advance(atMs + 100);
      expect(rungAtMs.length).toBe(1);
      expect(rungAtMs[0]).toBeGreaterThanOrEqual(atMs);
      expect(rungAtMs[0]).toBeLessThanOrEqual(atMs + 100);
    }
  });

  test("rings once per setting and leaves no timer behind", () => {
    const { clock, ticker } = setUp();
    let rung = 0;
    const alarm = new Alarm(() => {
      rung += 1;
    });
    ticker.ringBy(alarm, 500);
    clock.advance(10_000);
    expect([rung, ticker.alarmsSet, clock.pending, alarm.atMs]).toEqual([1, 0, 0, Infinity]);
  });

  test("moves an alarm to an earlier time", () => {
    const { clock, ticker } = setUp();
    const rungAtMs: number[] = [];
    const alarm = new Alarm((nowMs) => rungAtMs.push(nowMs));
    ticker.ringBy(alarm, 5_000);
    ticker.ringBy(alarm, 1_000);
    clock.advance(10_000);
    expect(rungAtMs).toEqual([1_000]);
  });

  test("does not move an alarm to a later time", () => {
    const { clock, ticker } = setUp();
    const rungAtMs: number[] = [];
    const alarm = new Alarm((nowMs) => rungAtMs.push(nowMs));
    ticker.ringBy(alarm, 1_000);
    ticker.ringBy(alarm, 5_000);
    clock.advance(10_000);
    expect(rungAtMs).toEqual([1_000]);
  });

  test("does not ring an alarm that was silenced, and bears silencing it twice", () => {
    const { clock, ticker } = setUp();
    let rung = 0;
    const alarm = new Alarm(() => {
      rung += 1;
    });
    ticker.ringBy(alarm, 1_000);
    ticker.silence(alarm);
    ticker.silence(alarm);
    clock.advance(10_000);
    expect([rung, ticker.alarmsSet]).toEqual([0, 0]);
  });

  test("sets no alarm for never", () => {
    const { clock, ticker } = setUp();
    ticker.ringBy(new Alarm(() => {}), Infinity);
    expect([ticker.alarmsSet, clock.pending]).toEqual([0, 0]);
  });

  test("rings an alarm that sets itself again, and one set inside another's ring", () => {
    const { clock, ticker } = setUp();
    const rungAtMs: number[] = [];
    const other = new Alarm((nowMs) => rungAtMs.push(-nowMs));
    const alarm = new Alarm((nowMs) => {
      rungAtMs.push(nowMs);
      ticker.ringBy(other, 0);
      if (nowMs < 3_000) ticker.ringBy(alarm, nowMs + 1_000);
    });
    ticker.ringBy(alarm, 1_000);
    clock.advance(10_000);
    expect(rungAtMs).toEqual([1_000, -1_100, 2_000, -2_100, 3_000, -3_100]);
  });

  test("rings everything that fell due while the process stood still", () => {
    const clock = new StalledClock();
    const ticker = new Ticker({ clock, onFault: () => {} });
    const rung: number[] = [];
    for (const atMs of [100, 50_000, 102_400, 150_000, 900_000])
      ticker.ringBy(new Alarm(() => rung.push(atMs)), atMs);
    clock.wakeAt(500_000);
    expect(rung.toSorted((a, b) => a - b)).toEqual([100, 50_000, 102_400, 150_000]);
    expect(ticker.alarmsSet).toBe(1);
  });

  test("reports what an alarm threw and rings the others", () => {
    const { clock, ticker, faults } = setUp();
    let rung = 0;
    const bug = new Error("a bug of ours");
    ticker.ringBy(
      new Alarm(() => {
        throw bug;
      }),
      1_000,
    );
    ticker.ringBy(
      new Alarm(() => {
        rung += 1;
      }),
      1_000,
    );
    clock.advance(1_000);
    expect([faults, rung]).toEqual([[bug], 1]);
  });

  test("touches the alarms that are due and no others", () => {
    const { clock, ticker } = setUp();
    const roundMs = 102_400;
    clock.advance(2 * roundMs);
    let touched = 0;
    for (let n = 0; n < 1_000; n += 1) {
      const alarm = new Alarm(() => {});
      ticker.ringBy(alarm, 2 * roundMs + 90_000);
      Object.defineProperty(alarm, "atMs", {
        get: () => {
          touched += 1;
          return 2 * roundMs + 90_000;
        },
      });
    }
    ticker.ringBy(new Alarm(() => {}), 2 * roundMs + 1_000);
    clock.advance(89_000);
    expect([touched, ticker.alarmsSet]).toEqual([0, 1_000]);
  });
});

import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { Ticker } from "../../../src/pool/ticker.ts";
import {
  type BeatingClient,
  Heartbeats,
  type Spoke,
} from "../../../src/proxy/client/heartbeats.ts";
import { FakeClock } from "../../support/fake-clock.ts";

let clock: FakeClock;
let heartbeats: Heartbeats;
let lost: BeatingClient[];
let faults: unknown[];

beforeEach(() => {
  clock = new FakeClock();
  lost = [];
  faults = [];
  const ticker = new Ticker({ clock, onFault: (error) => faults.push(error) });
  heartbeats = new Heartbeats(ticker, (client) => lost.push(client));
});

afterEach(() => {
  expect(faults).toEqual([]);
});

/** A client whose machine answers at once as long as it lives; after a beat, the silence counts. */
class TestClient implements BeatingClient {
  quietTurns = 0;
  spoke: Spoke | null = null;
  heartbeatSeconds: number;
  readonly beatsAtMs: number[] = [];
  readonly probes: number[] = [];
  #answeredAtMs: number;
  #diedAtMs: number | null = null;
  lostAtMs: number | null = null;

  constructor(seconds: number) {
    this.heartbeatSeconds = seconds;
    this.#answeredAtMs = clock.now();
    heartbeats.join(this);
  }

  speak(): void {
    this.quietTurns = 0;
    this.#answeredAtMs = clock.now();
  }

  die(): void {
    this.#diedAtMs = clock.now();
  }

  revive(): void {
    this.#diedAtMs = null;
    this.#answeredAtMs = clock.now();
  }

  get unansweredMs(): number | null {
    const last = this.beatsAtMs.at(-1);
    if (this.#diedAtMs === null || last === undefined || last < this.#diedAtMs) return 0;
    return clock.now() - this.#answeredAtMs;
  }

  askUnanswered(onAnswer: (unansweredMs: number | null) => void): void {
    onAnswer(this.unansweredMs);
  }

  beat(silentSeconds: number): void {
    this.beatsAtMs.push(clock.now());
    this.probes.push(silentSeconds);
    if (this.#diedAtMs === null) this.#answeredAtMs = clock.now();
  }

  lose(): void {
    this.lostAtMs = clock.now();
  }
}

/** One that is asked over a link: what it says comes behind the asking. */
class FarClient extends TestClient {
  override askUnanswered(onAnswer: (unansweredMs: number | null) => void): void {
    const { unansweredMs } = this;
    clock.after(1, () => onAnswer(unansweredMs));
  }
}

/** Lets time pass as it does, in steps of the ticker. */
function pass(ms: number, meanwhile: () => void = () => {}): void {
  for (let step = 0; step < ms; step += 50) {
    clock.advance(50);
    meanwhile();
  }
}

describe.each([1, 2, 7, 60, 3600])("with an interval of %d s, a client", (seconds) => {
  const interval = seconds * 1000;

  test("that is idle is beaten after one interval and again every interval, and lives on", () => {
    pass(1234);
    const client = new TestClient(seconds);
    const joinedMs = clock.now();
    pass(10 * interval);
    const [first = 0, ...others] = client.beatsAtMs;
    expect(first - joinedMs).toBeGreaterThanOrEqual(interval);
    expect(first - joinedMs).toBeLessThanOrEqual(1.2 * interval + 150);
    let before = first;
    for (const at of others) {
      expect(Math.abs(at - before - interval)).toBeLessThanOrEqual(150);
      before = at;
    }
    expect(client.beatsAtMs.length).toBeGreaterThanOrEqual(8);
    expect(lost).toEqual([]);
  });

  test("that speaks at least once an interval is never beaten", () => {
    const client = new TestClient(seconds);
    for (let word = 0; word < 10; word += 1) {
      pass(interval - 100);
      client.speak();
    }
    expect(client.beatsAtMs).toEqual([]);
  });

  test("that dies is given up within two intervals, whenever it dies", () => {
    for (let part = 0; part < 20; part += 1) {
      const client = new TestClient(seconds);
      pass((part * interval) / 7);
      client.die();
      const diedMs = clock.now();
      for (let step = 0; client.lostAtMs === null && step < 60; step += 1) pass(interval / 20);
      expect((client.lostAtMs ?? Number.NaN) - diedMs).toBeLessThanOrEqual(
        Math.max(2 * interval, 3000),
      );
    }
    expect(lost).toHaveLength(20);
  });

  test("that is away for a quarter of an interval lives on", () => {
    const client = new TestClient(seconds);
    for (let absence = 0; absence < 5; absence += 1) {
      pass((absence * interval) / 3 + interval / 10);
      client.die();
      pass(interval / 4);
      client.revive();
    }
    pass(3 * interval);
    expect(lost).toEqual([]);
  });
});

describe.each([1, 2, 7, 60, 3600])(
  "with an interval of %d s, a client of another worker",
  (seconds) => {
    const interval = seconds * 1000;

    test("that dies is given up within two intervals, whenever it dies", () => {
      for (let part = 0; part < 20; part += 1) {
        const client = new FarClient(seconds);
        pass((part * interval) / 7);
        client.die();
        const diedMs = clock.now();
        for (let step = 0; client.lostAtMs === null && step < 60; step += 1) pass(interval / 20);
        expect((client.lostAtMs ?? Number.NaN) - diedMs).toBeLessThanOrEqual(
          Math.max(2 * interval, 3000),
        );
      }
      expect(lost).toHaveLength(20);
    });

    test("that speaks or leaves before the answer comes is not judged by it", () => {
      const [speaker, leaver] = [new FarClient(seconds), new FarClient(seconds)];
      const late: (() => void)[] = [];
      for (const client of [speaker, leaver])
        client.askUnanswered = (onAnswer) => late.push(() => onAnswer(1_000_000_000));
      pass(2 * interval);
      expect(late.length).toBeGreaterThanOrEqual(2);
      speaker.speak();
      heartbeats.leave(leaver);
      for (const answer of late) answer();
      expect(lost).toEqual([]);
      heartbeats.leave(speaker);
    });
  },
);

describe("a client", () => {
  test("of whose machine nothing is known is never given up", () => {
    const client = new TestClient(2);
    Object.defineProperty(client, "unansweredMs", { get: () => null });
    pass(60_000);
    expect(client.beatsAtMs.length).toBeGreaterThan(20);
    expect(lost).toEqual([]);
  });

  test("that has left is left alone, and nothing ticks when none is there", () => {
    const client = new TestClient(2);
    heartbeats.leave(client);
    heartbeats.leave(client);
    pass(60_000);
    expect(client.beatsAtMs).toEqual([]);
    expect(clock.pending).toBe(0);
  });

  test("that is given up is told so once", () => {
    const client = new TestClient(2);
    client.die();
    pass(60_000);
    expect(lost).toEqual([client]);
    expect(clock.pending).toBe(0);
  });

  test("with an interval of 0 is never beaten", () => {
    const client = new TestClient(0);
    client.die();
    pass(600_000);
    expect(client.beatsAtMs).toEqual([]);
    expect(lost).toEqual([]);
  });

  test("follows another interval: a shorter one, none, and one again", () => {
    const client = new TestClient(600);
    client.heartbeatSeconds = 2;
    pass(120_000 + 2 * 2000);
    expect(client.beatsAtMs.length).toBeGreaterThan(0);
    client.heartbeatSeconds = 0;
    pass(1000);
    const before = client.beatsAtMs.length;
    pass(60_000);
    expect(client.beatsAtMs).toHaveLength(before);
    client.heartbeatSeconds = 2;
    pass(10_000 + 2 * 2000);
    expect(client.beatsAtMs.length).toBeGreaterThan(before);
  });

  test("whose machine is asked by probes is asked after a turn of silence, at least a second", () => {
    const quick = new TestClient(1);
    const slow = new TestClient(60);
    pass(120_000);
    expect(new Set(quick.probes)).toEqual(new Set([1]));
    expect(new Set(slow.probes)).toEqual(new Set([12]));
  });
});

describe("ten thousand idle clients", () => {
  test("are not beaten all at once", () => {
    const clients = Array.from({ length: 10_000 }, () => new TestClient(60));
    let most = 0;
    let beaten = 0;
    for (let step = 0; step < 120_000; step += 100) {
      clock.advance(100);
      const now = clients.reduce((sum, { beatsAtMs }) => sum + beatsAtMs.length, 0);
      most = Math.max(most, now - beaten);
      beaten = now;
    }
    expect(beaten).toBeGreaterThanOrEqual(10_000);
    expect(most).toBeLessThanOrEqual(10_000 / 16 + 1);
  });
});

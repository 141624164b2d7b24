import { beforeEach, describe, expect, test } from "bun:test";
import { WorkerPulse } from "../../../src/app/workers/worker-pulse.ts";
import { FakeClock } from "../../support/fake-clock.ts";

const TIMEOUT_MS = 10_000;

/** A worker as it is seen through what it answers. */
class Patient {
  /** Whether it answers what it is asked. */
  answers = true;
  /** How much later than they should its timers run. */
  lateMs = 0;
  timeoutMs = TIMEOUT_MS;
  asked = 0;
  readonly silentMs: number[] = [];
  readonly clock = new FakeClock();
  readonly pulse: WorkerPulse;
  readonly #open: PromiseWithResolvers<unknown>[] = [];

  constructor() {
    this.pulse = new WorkerPulse({
      clock: {
        now: () => this.clock.now(),
        after: (delayMs, callback) => this.clock.after(delayMs + this.lateMs, callback),
      },
      timeoutMs: () => this.timeoutMs,
      ask: () => this.#ask(),
      onSilent: (silentMs) => void this.silentMs.push(silentMs),
    });
  }

  /** Lets so many seconds pass, one by one, and what is said in each of them arrive. */
  async live(seconds: number): Promise<void> {
    for (let second = 0; second < seconds; second += 1) {
      this.clock.advance(1000);
      // oxlint-disable-next-line no-await-in-loop -- the turn of the loop that brings the answers
      await new Promise(setImmediate);
    }
  }

  /** Answers all that it has been asked so far. */
  answerAll(): void {
    for (const { resolve } of this.#open.splice(0)) resolve(null);
  }

  /** No way leads to it: whoever has asked is told so. */
  async refuseAll(): Promise<void> {
    for (const { reject } of this.#open.splice(0)) reject(new Error("away"));
    await new Promise(setImmediate);
  }

  #ask(): Promise<unknown> {
    this.asked += 1;
    if (this.answers) return Promise.resolve(null);
    const open = Promise.withResolvers<unknown>();
    this.#open.push(open);
    return open.promise;
  }
}

let patient: Patient;

beforeEach(() => {
  patient = new Patient();
});

describe("WorkerPulse of a worker that serves", () => {
  beforeEach(() => {
    patient.pulse.started();
    patient.pulse.serves();
  });

  test("asks it every second, and leaves one alone that answers", async () => {
    await patient.live(3600);
    expect(patient.asked).toBe(3600);
    expect(patient.silentMs).toEqual([]);
  });

  test("tells once that it is silent, when the time is over and not before", async () => {
    patient.answers = false;
    await patient.live(10);
    expect(patient.silentMs).toEqual([]);
    await patient.live(60);
    expect(patient.silentMs).toEqual([11_000]);
  });

  test("asks one that does not answer once only", async () => {
    patient.answers = false;
    await patient.live(8);
    expect(patient.asked).toBe(1);
  });

  test("forgives a silence that was shorter, however often", async () => {
    patient.answers = false;
    for (let silence = 0; silence < 20; silence += 1) {
      // oxlint-disable-next-line no-await-in-loop -- one after the other
      await patient.live(9);
      patient.answerAll();
      // oxlint-disable-next-line no-await-in-loop -- one after the other
      await patient.live(1);
    }
    expect(patient.silentMs).toEqual([]);
  });

  test("counts a refusal as silence, and asks again", async () => {
    patient.answers = false;
    for (let second = 0; second < 11; second += 1) {
      // oxlint-disable-next-line no-await-in-loop -- one after the other
      await patient.live(1);
      // oxlint-disable-next-line no-await-in-loop -- one after the other
      await patient.refuseAll();
    }
    expect(patient.asked).toBe(10);
    expect(patient.silentMs).toEqual([11_000]);
  });

  test("takes a time for which this process stood still for one look, however long it was", async () => {
    patient.answers = false;
    patient.lateMs = 3_600_000;
    await patient.live(1);
    patient.lateMs = 0;
    patient.clock.advance(3_601_000);
    expect(patient.silentMs).toEqual([]);
    patient.answerAll();
    await patient.live(9);
    expect(patient.silentMs).toEqual([]);
  });

  test("waits for ever where the time is 0", async () => {
    patient.timeoutMs = 0;
    patient.answers = false;
    await patient.live(3600);
    expect(patient.silentMs).toEqual([]);
  });

  test("takes the time as it is when it looks", async () => {
    patient.answers = false;
    await patient.live(5);
    patient.timeoutMs = 3000;
    await patient.live(1);
    expect(patient.silentMs).toEqual([6000]);
  });

  test("gives it a few seconds to end when its link is gone", async () => {
    patient.pulse.lost();
    await patient.live(5);
    expect(patient.silentMs).toEqual([]);
    await patient.live(1);
    expect(patient.silentMs).toEqual([6000]);
  });

  test("is not deceived by answers where its link has been made anew: it is lost", async () => {
    patient.pulse.lost();
    patient.pulse.serves();
    await patient.live(6);
    expect(patient.silentMs).toEqual([6000]);
  });

  test("asks no more when its process has ended", async () => {
    await patient.live(2);
    patient.pulse.ended();
    await patient.live(60);
    expect(patient.asked).toBe(2);
    expect(patient.silentMs).toEqual([]);
    expect(patient.clock.pending).toBe(0);
  });

  test("begins anew with the next process, and takes no late answer for its own", async () => {
    patient.answers = false;
    await patient.live(9);
    patient.pulse.ended();
    patient.pulse.started();
    patient.answerAll();
    await patient.live(40);
    expect(patient.silentMs).toEqual([]);
    await patient.live(1);
    expect(patient.silentMs).toEqual([41_000]);
  });
});

describe("WorkerPulse of a worker that starts", () => {
  test("does not ask it, and gives it longer than the node's start may take", async () => {
    patient.pulse.started();
    await patient.live(40);
    expect(patient.silentMs).toEqual([]);
    expect(patient.asked).toBe(0);
    await patient.live(1);
    expect(patient.silentMs).toEqual([41_000]);
  });

  test("counts anew from when it serves", async () => {
    patient.pulse.started();
    await patient.live(39);
    patient.pulse.serves();
    patient.answers = false;
    await patient.live(10);
    expect(patient.silentMs).toEqual([]);
  });
});

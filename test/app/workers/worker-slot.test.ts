import { beforeEach, describe, expect, test } from "bun:test";
import type { SpawnedWorker } from "../../../src/app/workers/worker-order.ts";
import { WorkerSlot } from "../../../src/app/workers/worker-slot.ts";
import { FakeClock } from "../../support/fake-clock.ts";
import { present } from "../../support/present.ts";

/** A process that does nothing but end. */
class Spawned implements SpawnedWorker {
  readonly processId = 4711;
  readonly #exited = Promise.withResolvers<string>();
  readonly exited = this.#exited.promise;
  kills = 0;

  /** Resolves when everybody has heard of it. */
  async end(how: string): Promise<void> {
    this.#exited.resolve(how);
    await new Promise(setImmediate);
  }

  kill(): void {
    this.kills += 1;
  }
}

let clock: FakeClock;
let spawned: Spawned[];
let errors: string[];
let failures: string[];
let answers: boolean;
/** Whether the system starts processes. */
let starts: boolean;
let slot: WorkerSlot;

beforeEach(() => {
  clock = new FakeClock();
  spawned = [];
  errors = [];
  failures = [];
  answers = true;
  starts = true;
  slot = new WorkerSlot({
    worker: 1,
    clock,
    logger: {
      debug() {},
      info() {},
      warn() {},
      error: (_: object, message: string) => void errors.push(message),
    },
    spawn() {
      if (!starts) throw new Error("EAGAIN: no process");
      const worker = new Spawned();
      spawned.push(worker);
      return worker;
    },
    ask: async () => {
      if (!answers) throw new Error("away");
    },
    timeoutMs: () => 10_000,
    onStartFailed: (how) => void failures.push(how),
  });
});

function latest(): Spawned {
  return present(spawned.at(-1));
}

async function live(seconds: number): Promise<void> {
  for (let second = 0; second < seconds; second += 1) {
    clock.advance(1000);
    // oxlint-disable-next-line no-await-in-loop -- the turn of the loop that brings the answers
    await new Promise(setImmediate);
  }
}

describe("WorkerSlot", () => {
  test("starts a worker again at once that has served and died", async () => {
    slot.start();
    slot.onReady();
    await live(3);
    await latest().end("SIGSEGV");
    clock.advance(0);
    expect(spawned).toHaveLength(2);
    expect(errors).toEqual(["a worker has ended, and is started again"]);
  });

  test("does not start one again that has never served: the next would end so, too", async () => {
    slot.start();
    await latest().end("exit code 1");
    await live(60);
    expect(spawned).toHaveLength(1);
    expect(failures).toEqual(["exit code 1"]);
  });

  test("starts one that dies at once each time ever less often, and says where to look", async () => {
    slot.start();
    slot.onReady();
    for (let second = 0; second < 60; second += 1) {
      clock.advance(1000);
      // oxlint-disable-next-line no-await-in-loop -- one death after the other
      await latest().end("exit code 1");
    }
    expect(spawned.length).toBeWithin(8, 30);
    expect(errors[0]).toBe("a worker has ended, and is started again");
    expect(errors.at(-1)).toContain("what it has logged before says why");
  });

  test("tries again where the system starts no process", async () => {
    slot.start();
    slot.onReady();
    starts = false;
    await latest().end("SIGKILL");
    await live(3);
    expect(errors.length).toBeWithin(3, 8);
    starts = true;
    await live(5);
    expect(spawned).toHaveLength(2);
  });

  test("says why there was no first process", () => {
    starts = false;
    slot.start();
    expect(failures).toEqual(["EAGAIN: no process"]);
    slot.expectEnd();
    expect(clock.pending).toBe(0);
  });

  test("ends one that does not answer, says so, and starts it again", async () => {
    slot.start();
    slot.onReady();
    await live(5);
    answers = false;
    await live(10);
    expect(latest().kills).toBe(0);
    await live(1);
    expect(latest().kills).toBe(1);
    expect(errors).toEqual([expect.stringContaining("does not answer, and is ended by SIGKILL")]);
    await latest().end("SIGKILL");
    clock.advance(0);
    expect(spawned).toHaveLength(2);
  });

  test("ends one whose link is gone, if it does not end by itself", async () => {
    slot.start();
    slot.onReady();
    slot.onLost();
    await live(5);
    expect(latest().kills).toBe(0);
    await live(1);
    expect(latest().kills).toBe(1);
  });

  test("ends one that is stuck in its start, and starts it again", async () => {
    slot.start();
    slot.onReady();
    await live(3);
    await latest().end("SIGKILL");
    clock.advance(0);
    await live(41);
    expect(latest().kills).toBe(1);
    await latest().end("SIGKILL");
    clock.advance(0);
    expect(spawned).toHaveLength(3);
  });

  test("ends one that does not answer while it is to stop, and does not start it again", async () => {
    slot.start();
    slot.onReady();
    slot.expectEnd();
    answers = false;
    await live(11);
    expect(latest().kills).toBe(1);
    await latest().end("SIGKILL");
    await slot.over;
    await live(60);
    expect(spawned).toHaveLength(1);
  });

  test("leaves one alone that dies while it is to stop", async () => {
    slot.start();
    slot.onReady();
    slot.expectEnd();
    await latest().end("exit code 0");
    await slot.over;
    expect(errors).toEqual([]);
    expect(clock.pending).toBe(0);
  });
});

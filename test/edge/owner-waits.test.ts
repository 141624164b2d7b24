import { beforeEach, describe, expect, test } from "bun:test";
import type { WorkerPeers } from "../../src/cluster/worker-peers.ts";
import { type OwnerWaiter, OwnerWaits } from "../../src/edge/owner-waits.ts";
import type { LinkPort } from "../../src/link/link-port.ts";
import { Linked } from "../link/support/linked.ts";
import { FakeClock } from "../support/fake-clock.ts";

const WORKER = 1;

/** Peers of which one is there or away, as the test says. */
class Peers implements WorkerPeers {
  readonly self = 0;
  readonly workers = 2;
  link: LinkPort | null = null;
  readonly #clock: FakeClock;
  readonly #asked = new Set<() => void>();

  constructor(clock: FakeClock) {
    this.#clock = clock;
  }

  linkTo(): LinkPort | null {
    return this.link;
  }

  awaitLink(_worker: number, timeoutMs: number): Promise<LinkPort | null> {
    if (this.link !== null) return Promise.resolve(this.link);
    const { promise, resolve } = Promise.withResolvers<LinkPort | null>();
    const end = (): void => {
      timer.cancel();
      this.#asked.delete(end);
      resolve(this.link);
    };
    const timer = this.#clock.after(timeoutMs, end);
    this.#asked.add(end);
    return promise;
  }

  come(link: LinkPort): void {
    this.link = link;
    for (const end of this.#asked) end();
  }
}

/** A client that waits. */
class Waiter implements OwnerWaiter {
  readonly told: string[] = [];
  readonly #onOwner: () => void;

  constructor(onOwner: () => void = () => undefined) {
    this.#onOwner = onOwner;
  }

  onOwner(): void {
    this.told.push("owner");
    this.#onOwner();
  }

  onOwnerAway(): void {
    this.told.push("away");
  }
}

let clock: FakeClock;
let peers: Peers;
let faults: unknown[];
let waits: OwnerWaits;

beforeEach(() => {
  clock = new FakeClock();
  peers = new Peers(clock);
  faults = [];
  waits = new OwnerWaits(peers, clock, (fault) => faults.push(fault));
});

/** Lets promises that are settled be seen. */
async function settle(): Promise<void> {
  // oxlint-disable-next-line no-await-in-loop -- one turn after the other
  for (let turn = 0; turn < 20; turn += 1) await Promise.resolve();
}

/** Moves time on, in steps that a promise can follow. */
async function pass(ms: number): Promise<void> {
  for (let passed = 0; passed < ms; passed += 50) {
    clock.advance(50);
    // oxlint-disable-next-line no-await-in-loop -- one step after the other
    await settle();
  }
}

function join(waiter: Waiter, deadlineMs = 1000): Waiter {
  waits.join(WORKER, waiter, deadlineMs);
  return waiter;
}

async function ownerComes(): Promise<void> {
  peers.come((await Linked.start()).edge);
  await settle();
}

describe("clients that wait for an owner", () => {
  test("get it as soon as it is there, in the order of their coming", async () => {
    const order: number[] = [];
    for (const at of [0, 1, 2]) join(new Waiter(() => order.push(at)));
    expect(waits.size).toBe(3);
    await pass(500);
    expect(order).toEqual([]);
    await ownerComes();
    expect(order).toEqual([0, 1, 2]);
    expect(waits.size).toBe(0);
  });

  test("are sent away each at its own deadline, and told once", async () => {
    const soon = join(new Waiter(), 300);
    const later = join(new Waiter(), 900);
    await pass(450);
    expect([soon.told, later.told]).toEqual([["away"], []]);
    await pass(600);
    expect([soon.told, later.told]).toEqual([["away"], ["away"]]);
    await ownerComes();
    await pass(300);
    expect([soon.told, later.told]).toEqual([["away"], ["away"]]);
  });

  test("that leave are told nothing", async () => {
    const gone = join(new Waiter());
    const there = join(new Waiter());
    waits.leave(WORKER, gone);
    waits.leave(WORKER + 1, there);
    await ownerComes();
    expect([gone.told, there.told]).toEqual([[], ["owner"]]);
  });

  test("do not keep a timer when nobody waits any more", async () => {
    const waiter = join(new Waiter());
    waits.leave(WORKER, waiter);
    await pass(200);
    expect(clock.pending).toBe(0);
    await ownerComes();
    expect(join(new Waiter()).told).toEqual([]);
    await settle();
    expect(waits.size).toBe(0);
  });

  test("come to it in portions, so that it is not choked", async () => {
    const waiters = Array.from({ length: 1000 }, () => join(new Waiter()));
    const served = (): number => waiters.filter(({ told }) => told.length > 0).length;
    await ownerComes();
    const first = served();
    expect(first).toBeGreaterThan(0);
    expect(first).toBeLessThan(1000);
    await pass(500);
    expect(served()).toBe(1000);
  });

  test("may wait again where the owner has died before it took them", async () => {
    const stubborn: Waiter = new Waiter(() => {
      peers.link = null;
      if (stubborn.told.length < 3) join(stubborn);
    });
    join(stubborn);
    for (let time = 0; time < 3; time += 1) {
      // oxlint-disable-next-line no-await-in-loop -- one life after the other
      await ownerComes();
      // oxlint-disable-next-line no-await-in-loop -- one life after the other
      await pass(200);
    }
    expect(stubborn.told).toEqual(["owner", "owner", "owner"]);
    expect(waits.size).toBe(0);
  });

  test("are served though one of them fails, and so are those who come later", async () => {
    const failure = new Error("a mistake of ours");
    const failing = join(
      new Waiter(() => {
        throw failure;
      }),
    );
    const next = join(new Waiter());
    await ownerComes();
    await pass(200);
    expect(faults).toEqual([failure]);
    expect(next.told).toEqual(["owner"]);
    expect(failing.told).toEqual(["owner", "away"]); // and its client is not left hanging
    const late = join(new Waiter());
    await pass(200);
    expect(late.told).toEqual(["owner"]);
    expect(waits.size).toBe(0);
  });
});

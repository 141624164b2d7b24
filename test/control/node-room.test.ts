/**
 * Clients and memory of a node, over several workers.
 */

import { beforeEach, describe, expect, test } from "bun:test";
import { NodeRoom } from "../../src/control/node-room.ts";
import { SharedRoom } from "../../src/control/shared-room.ts";
import { FakeClock } from "../support/fake-clock.ts";
import { NodePorts } from "../support/node-ports.ts";
import { rejectionOf } from "../support/rejection.ts";

const WORKERS = 3;
const SUPERVISOR_PID = 100;

let ports: NodePorts;
let clock: FakeClock;
let max: number | null;
let node: NodeRoom;
let workers: TestWorker[];

/** A worker whose clients are a number. */
class TestWorker {
  open = 0;
  bytes: number;
  readonly room: SharedRoom;

  constructor(worker: number) {
    this.bytes = 1000 * (worker + 1);
    this.room = new SharedRoom({
      supervisor: ports.join(worker),
      clock,
      clientsMax: () => max,
      open: () => this.open,
      processId: SUPERVISOR_PID + 1 + worker,
      residentBytes: () => this.bytes,
    });
  }

  /** As the gate of clients does it. Returns whether the client is in. */
  async letIn(): Promise<boolean> {
    while (this.open >= this.room.clientsMax) {
      // oxlint-disable-next-line no-await-in-loop -- as often as others give something up
      if ((await this.room.makeRoom()) !== true) return false;
    }
    this.open += 1;
    return true;
  }
}

async function start(worker: number): Promise<TestWorker> {
  const started = new TestWorker(worker);
  workers[worker] = started;
  await started.room.catchUp();
  ports.ready(worker);
  return started;
}

function at(worker: number): TestWorker {
  const found = workers[worker];
  if (found === undefined) throw new Error(`no worker ${worker}`);
  return found;
}

function residentBytes(): number {
  return 70;
}

async function startNode(clientsMax: number | null): Promise<void> {
  max = clientsMax;
  ports = new NodePorts(WORKERS);
  clock = new FakeClock();
  node = new NodeRoom({
    workers: ports.workers,
    clock,
    clientsMax,
    processId: SUPERVISOR_PID,
    residentBytes,
  });
  workers = [];
  // oxlint-disable-next-line no-await-in-loop -- one after the other
  for (const worker of [0, 1, 2]) await start(worker);
}

async function turns(count: number): Promise<void> {
  for (let turn = 0; turn < count; turn += 1)
    // oxlint-disable-next-line no-await-in-loop -- turns of the event loop
    await new Promise((resolve) => setImmediate(resolve));
}

async function second(): Promise<void> {
  clock.advance(1000);
  await turns(4);
}

/** Counts who got in. */
async function race(arrivals: readonly number[]): Promise<number> {
  const outcomes = await Promise.all(arrivals.map((worker) => at(worker).letIn()));
  return outcomes.filter(Boolean).length;
}

const openInAll = (): number => workers.reduce((sum, { open }) => sum + open, 0);
const sharesOfAll = (): number => workers.reduce((sum, { room }) => sum + room.clientsMax, 0);

describe("MAX_CONNECTIONS", () => {
  beforeEach(() => startNode(20));

  test("lets in exactly so many where 60 race over all workers", async () => {
    expect(await race(Array.from({ length: 60 }, (_, n) => n % 3))).toBe(20);
    expect([openInAll(), sharesOfAll()]).toEqual([20, 20]);
  });

  test("lets in exactly so many where all come to one worker", async () => {
    expect(await race(Array.from({ length: 60 }, () => 1))).toBe(20);
    expect([at(1).open, sharesOfAll()]).toEqual([20, 20]);
  });

  test("lets in as many again when they have left, wherever the next ones come", async () => {
    for (const worker of [0, 2, 1, 1, 0, 2]) {
      // oxlint-disable-next-line no-await-in-loop -- one round after the other
      expect(await race(Array.from({ length: 25 }, () => worker))).toBe(20);
      at(worker).open = 0;
      expect(sharesOfAll()).toBe(20);
    }
  });

  test("asks nobody as long as a worker's own share lasts", async () => {
    const pending = clock.pending;
    expect(await race([0, 0, 0, 1, 1, 2])).toBe(6);
    expect([at(0).room.clientsMax, at(1).room.clientsMax, clock.pending]).toEqual([7, 7, pending]);
  });

  test("gives the share of a dead worker to those in need, and it back when it has come again", async () => {
    expect(await race([2, 2, 2, 2, 2, 2])).toBe(6);
    ports.lose(2);
    expect(await race(Array.from({ length: 30 }, () => 0))).toBe(20);
    at(0).open = 10;
    await start(2);
    expect(await race(Array.from({ length: 30 }, () => 2))).toBe(10);
    expect(openInAll()).toBe(20);
  });

  test("holds while workers die and come amid a race", async () => {
    for (let round = 0; round < 20; round += 1) {
      const worker = round % 3;
      const racing = race(Array.from({ length: 15 }, (_, n) => (worker + 1 + (n % 2)) % 3));
      ports.lose(worker);
      at(worker).open = 0;
      // oxlint-disable-next-line no-await-in-loop -- one round after the other
      await start(worker);
      // oxlint-disable-next-line no-await-in-loop
      await racing;
      expect(openInAll()).toBeLessThanOrEqual(20);
      for (const each of workers) each.open = Math.floor(each.open / 2);
    }
  });

  test("that is raised or lowered holds for whoever comes then, and sends nobody away", async () => {
    expect(await race(Array.from({ length: 30 }, (_, n) => n % 3))).toBe(20);
    max = 26;
    node.change(26);
    await Promise.all(workers.map(({ room }) => room.follow()));
    expect(await race(Array.from({ length: 30 }, (_, n) => n % 2))).toBe(6);
    max = 5;
    node.change(5);
    await Promise.all(workers.map(({ room }) => room.follow()));
    expect(await race([0, 1, 2])).toBe(0);
    expect(openInAll()).toBe(26);
    expect(sharesOfAll()).toBe(5);
  });

  test("does not wait for a worker that does not answer, and takes what it gives up later", async () => {
    const gate = Promise.withResolvers<void>();
    const { room } = at(1);
    ports.join(1).register("room", {
      onRequest: (verb, body) => gate.promise.then(() => room.onRequest(verb, body)),
      onNotice: () => undefined,
    });
    const racing = race(Array.from({ length: 15 }, () => 0));
    // It asks again as long as there was anything: each time it has patience for half a second.
    for (let round = 0; round < 6; round += 1) {
      // oxlint-disable-next-line no-await-in-loop -- turns of the event loop
      await turns(10);
      clock.advance(500);
    }
    expect(await racing).toBe(13);
    gate.resolve();
    expect(await race([0, 0])).toBe(2);
  });
});

describe("a node without MAX_CONNECTIONS", () => {
  test("has no limit but those of its processes, and asks nobody", async () => {
    await startNode(null);
    expect(at(0).room.clientsMax).toBe(Number.POSITIVE_INFINITY);
    expect(at(0).room.makeRoom()).toBeNull();
  });

  test("keeps one that is set later", async () => {
    await startNode(null);
    max = 6;
    node.change(6);
    await Promise.all(workers.map(({ room }) => room.follow()));
    expect(await race(Array.from({ length: 30 }, (_, n) => n % 3))).toBe(6);
    max = null;
    await Promise.all(workers.map(({ room }) => room.follow()));
    expect(await race([0, 0, 0, 0])).toBe(4);
  });
});

describe("MEMORY_LIMIT", () => {
  beforeEach(() => startNode(null));

  test("counts what all other processes use: workers and supervisor, as of a second ago", async () => {
    await second();
    expect(workers.map(({ room }) => room.othersBytes)).toEqual([5070, 4070, 3070]);
    at(2).bytes = 9000;
    await second();
    await second();
    expect(at(0).room.othersBytes).toBe(11_070);
  });

  test("does not count a worker that has died", async () => {
    await second();
    ports.lose(2);
    await second();
    expect(at(0).room.othersBytes).toBe(2070);
  });

  test("is looked at no more once a worker has stopped", async () => {
    for (const { room } of workers) room.stop();
    expect(clock.pending).toBe(0);
  });
});

describe("what crosses", () => {
  beforeEach(() => startNode(20));

  test("is refused where nobody knows what it means", async () => {
    const port = ports.join(0);
    const asked = [
      port.request("room.dance", null, 1000),
      port.request("room.more", { max: "many" }, 1000),
      port.request("room.memory", { process: 1, bytes: -1 }, 1000),
      ports.workers.request(1, "room.dance", null, 1000),
      ports.workers.request(1, "room.spare", null, 1000),
    ].map(rejectionOf);
    for (const error of await Promise.all(asked)) expect(error).toBeInstanceOf(Error);
    expect(at(1).room.clientsMax).toBe(7);
  });

  test("does not count where it was said under another limit", async () => {
    const { room } = at(1);
    expect(await ports.workers.request(1, "room.spare", { max: 99 }, 1000)).toEqual({ given: 0 });
    const granted = await ports.join(2).request("room.more", { max: 99 }, 1000);
    expect(granted).toEqual({ granted: 0 });
    expect(room.clientsMax).toBe(7);
  });
});

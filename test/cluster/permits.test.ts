import { describe, expect, test } from "bun:test";
import { PermitNode } from "./permit-node.ts";

const SIZE = 6;

function node(options: ConstructorParameters<typeof PermitNode>[0] = {}): PermitNode {
  return new PermitNode({ ...options, limits: { size: SIZE, ...options.limits } });
}

/** Clients of that worker have used all servers, which are idle now. */
function usedUp(shared: PermitNode, worker: number): void {
  const clients = shared.worker(worker).ask(SIZE);
  shared.pass(50);
  for (const client of clients)
    for (const server of client.granted) shared.worker(worker).rig.pool.release(server);
  shared.pass(50);
}

describe("shares of a pool", () => {
  test("are whatever one worker needs, while the others need none", () => {
    const shared = node();
    shared.worker(1).ask(SIZE + 3);
    shared.pass(20);
    expect(shared.taken).toEqual([0, SIZE]);
  });

  test("never exceed its size together, however many wait", () => {
    const shared = node({ workers: 3 });
    for (const worker of shared.workers) worker.ask(SIZE);
    shared.pass(1_000);
    expect(shared.permits).toBe(SIZE);
  });

  test("move within 250 ms to where clients wait, as far as nobody uses them", () => {
    const shared = node();
    usedUp(shared, 0);
    shared.worker(1).ask(4);
    shared.pass(250);
    expect(shared.taken).toEqual([2, 4]);
    shared.worker(1).ask(2);
    shared.pass(250);
    expect(shared.taken).toEqual([0, 6]);
  });

  test("stay where clients keep them", () => {
    const shared = node();
    shared.worker(0).ask(SIZE);
    shared.pass(20);
    shared.worker(1).ask(SIZE);
    shared.pass(5_000);
    expect(shared.taken).toEqual([SIZE, 0]);
  });

  test("even out while all workers are busy, but for one", () => {
    const shared = node({ workers: 3 });
    shared.worker(0).load(20, 10);
    shared.pass(50);
    shared.worker(1).load(20, 10);
    shared.worker(2).load(20, 10);
    shared.pass(500);
    expect(shared.taken.every((taken) => taken >= 1 && taken <= 3)).toBe(true);
    expect(shared.permits).toBe(SIZE);
  });

  test("do not go to and fro while all workers are busy", () => {
    const shared = node({ workers: 3 });
    const clients = shared.workers.flatMap((worker) => worker.load(20, 10));
    shared.pass(500);
    const before = shared.opened;
    shared.pass(3_000);
    expect(shared.opened - before).toBe(0);
    for (const { done } of clients) expect(done).toBeGreaterThan(10);
  });

  test("leave a worker that is idle for moments only what it uses", () => {
    const shared = node();
    shared.worker(0).load(3, 2);
    shared.worker(1).load(20, 10);
    shared.pass(500);
    const before = shared.opened;
    shared.pass(5_000);
    expect(shared.taken).toEqual([3, 3]);
    expect(shared.opened - before).toBe(0);
  });

  test("of one server take turns, and none waits for long", () => {
    const shared = node({ limits: { size: 1 } });
    const clients = shared.workers.flatMap((worker) => worker.load(2, 5));
    shared.pass(3_000);
    for (const { done } of clients) expect(done).toBeGreaterThan(20);
    // Each turn is as long as a young server is kept.
    expect(shared.opened).toBeLessThan(3_000 / 100 + 2);
  });

  test("come free when their servers are retired", () => {
    const shared = node({ limits: { idleTimeoutMs: 1_000 } });
    usedUp(shared, 0);
    shared.pass(2_000);
    expect(shared.permits).toBe(0);
    expect(shared.keeper.size).toBe(0);
  });
});

describe("a worker that has what it needs", () => {
  test("says nothing, however many transactions it runs", () => {
    const shared = node();
    shared.worker(0).load(SIZE, 3);
    shared.pass(200);
    const before = shared.messages;
    shared.pass(5_000);
    expect(shared.messages - before).toBe(0);
  });

  test("says little while it lacks servers that are nowhere", () => {
    const shared = node();
    for (const worker of shared.workers) worker.load(20, 5);
    shared.pass(500);
    const before = shared.messages;
    shared.pass(1_000);
    expect(shared.messages - before).toBeLessThan(150);
  });
});

describe("limits", () => {
  test("that grow are used at once, and those that shrink as servers come back", () => {
    const shared = node();
    for (const worker of shared.workers) worker.load(10, 10);
    shared.pass(200);
    shared.follow({ size: 10 }, Number.POSITIVE_INFINITY, "2");
    shared.pass(100);
    expect(shared.permits).toBe(10);
    shared.follow({ size: 2 }, Number.POSITIVE_INFINITY, "3");
    shared.pass(300);
    expect(shared.permits).toBe(2);
  });

  test("of the tenant that shrink close no more than they must, whoever chooses", () => {
    const pools = ["one", "two", "three"];
    const shared = node({ max: 3, pools });
    const { rigs } = shared.worker(0);
    const clients = rigs.map((rig) => [rig.ask()]);
    shared.pass(20);
    // The pools that were made last have been idle for longest.
    for (const [index, [client]] of [...clients.entries()].toReversed()) {
      for (const server of client?.granted ?? []) rigs[index]?.pool.release(server);
      shared.pass(30);
    }
    shared.follow({}, 1, "2");
    shared.pass(200);
    expect(shared.permits).toBe(1);
  });

  test("of an older record count for nothing", () => {
    const shared = node();
    shared.worker(0).follow({ size: 2 }, Number.POSITIVE_INFINITY, "2");
    shared.worker(0).ask(1);
    shared.pass(20);
    shared.worker(1).ask(SIZE);
    shared.pass(200);
    expect(shared.taken).toEqual([1, 1]);
  });

  test("of the tenant hold over pools and servers that no pool lends", () => {
    const shared = node({ max: 3 });
    const granted: string[] = [];
    shared.worker(0).claim(() => granted.push("one"));
    shared.worker(1).claim(() => granted.push("two"));
    shared.pass(10);
    shared.worker(1).ask(SIZE);
    shared.pass(500);
    expect(granted).toEqual(["one", "two"]);
    expect(shared.taken).toEqual([0, 1]);
    expect(shared.permits).toBe(3);
  });

  test("make a claim wait, until a server that nobody uses is given up for it", () => {
    const shared = node({ max: SIZE });
    usedUp(shared, 0);
    const granted: string[] = [];
    const claim = shared.worker(1).claim(() => granted.push("native"));
    shared.pass(100);
    expect(granted).toEqual(["native"]);
    expect(shared.taken).toEqual([SIZE - 1, 0]);
    claim.release(shared.clock.now());
    shared.pass(10);
    expect(shared.permits).toBe(SIZE - 1);
  });

  test("let the reserve be opened for who has waited long, and be given back", () => {
    const shared = node({ limits: { size: 2, reserve: 1, reserveAfterMs: 300 } });
    shared.worker(0).ask(2);
    shared.pass(20);
    const [late] = shared.worker(1).ask(1);
    shared.pass(250);
    expect(shared.permits).toBe(2);
    shared.pass(300);
    expect(shared.taken).toEqual([2, 1]);
    const [server] = late?.granted ?? [];
    if (server !== undefined) shared.worker(1).rig.pool.release(server);
    shared.pass(250);
    expect(shared.permits).toBe(2);
  });
});

describe("a worker that died", () => {
  test("leaves its permits taken until each of its servers is gone", () => {
    const shared = node();
    shared.worker(0).ask(4);
    shared.pass(20);
    const buried = shared.keeper.bury(0, shared.clock.now());
    expect(buried).toEqual([{ group: "tenant", pool: "pool", count: 4 }]);
    shared.worker(1).ask(SIZE);
    shared.pass(200);
    expect(shared.taken[1]).toBe(2);
    shared.keeper.freeGhost("tenant", "pool", shared.clock.now());
    shared.pass(20);
    expect(shared.taken[1]).toBe(3);
  });

  test("asks for nothing any more", () => {
    const shared = node();
    shared.worker(0).ask(SIZE);
    shared.pass(20);
    shared.worker(1).ask(3);
    shared.pass(20);
    shared.keeper.bury(1, shared.clock.now());
    expect(shared.keeper.bury(1, shared.clock.now())).toEqual([]);
    expect(shared.permits).toBe(SIZE);
  });
});

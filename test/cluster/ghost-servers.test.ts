import { describe, expect, test } from "bun:test";
import { GhostServers } from "../../src/cluster/ghost-servers.ts";
import { FakeClock } from "../support/fake-clock.ts";

const PERMITS = [{ group: "acme", pool: "app", count: 2 }];

/** Servers of worker 1, and what is asked of PostgreSQL for them. */
class Scene {
  readonly clock = new FakeClock();
  readonly cancelled: unknown[] = [];
  readonly gone: string[] = [];
  readonly ghosts: GhostServers;
  whenCancelled: () => Promise<void> = async () => {};

  constructor() {
    this.ghosts = new GhostServers(
      this.clock,
      (_group, where) => {
        this.cancelled.push(where);
        return this.whenCancelled();
      },
      (group, pool) => this.gone.push(`${group}/${pool}`),
    );
  }

  open(...resources: number[]): void {
    for (const resource of resources)
      this.ghosts.opened(1, { resource, group: "acme", pool: "app", where: `server ${resource}` });
  }

  /** Time passes, and what it brings is done. */
  async pass(ms: number): Promise<void> {
    for (let passed = 0; passed < ms; passed += 50) {
      this.clock.advance(50);
      // oxlint-disable-next-line no-await-in-loop -- what a promise brings comes in a later turn
      await Bun.sleep(0);
    }
  }
}

describe("a server whose worker died", () => {
  test("is cancelled twice, and gone a while after the second time", async () => {
    const scene = new Scene();
    scene.open(1, 2);
    scene.ghosts.bury(1, PERMITS);
    await scene.pass(100);
    expect(scene.cancelled).toEqual(["server 1", "server 2"]);
    expect(scene.gone).toEqual([]);
    await scene.pass(400);
    expect(scene.cancelled).toEqual(["server 1", "server 2", "server 1", "server 2"]);
    expect(scene.gone).toEqual(["acme/app", "acme/app"]);
    await scene.pass(6_000);
    expect(scene.gone).toHaveLength(2);
    expect(scene.clock.pending).toBe(0);
  });

  test("counts as gone after five seconds if PostgreSQL can't be reached", async () => {
    const scene = new Scene();
    scene.whenCancelled = () => Promise.reject(new Error("no route"));
    scene.open(1, 2);
    scene.ghosts.bury(1, PERMITS);
    await scene.pass(4_900);
    expect(scene.gone).toEqual([]);
    await scene.pass(200);
    expect(scene.gone).toEqual(["acme/app", "acme/app"]);
  });

  test("counts as gone after five seconds if PostgreSQL does not answer", async () => {
    const scene = new Scene();
    const never = Promise.withResolvers<void>();
    scene.whenCancelled = () => never.promise;
    scene.open(1, 2);
    scene.ghosts.bury(1, PERMITS);
    await scene.pass(5_100);
    expect(scene.gone).toHaveLength(2);
    never.resolve();
    await scene.pass(1_000);
    expect(scene.gone).toHaveLength(2);
  });

  test("is not cancelled if it was closed before", async () => {
    const scene = new Scene();
    scene.open(1, 2);
    scene.ghosts.closed(1, 1);
    scene.ghosts.bury(1, [{ group: "acme", pool: "app", count: 1 }]);
    await scene.pass(1_000);
    expect(new Set(scene.cancelled)).toEqual(new Set(["server 2"]));
    expect(scene.gone).toEqual(["acme/app"]);
  });

  test("is waited for also if it was being opened, and nobody knows how to cancel it", async () => {
    const scene = new Scene();
    scene.open(1);
    scene.ghosts.bury(1, PERMITS);
    await scene.pass(1_000);
    expect(scene.cancelled).toEqual(["server 1", "server 1"]);
    expect(scene.gone).toHaveLength(2);
  });

  test("is not mistaken for one of the worker that comes after it, or of another", async () => {
    const scene = new Scene();
    scene.open(1);
    scene.ghosts.opened(2, { resource: 7, group: "acme", pool: "app", where: "another's" });
    scene.ghosts.bury(1, PERMITS);
    scene.open(9);
    await scene.pass(1_000);
    expect(new Set(scene.cancelled)).toEqual(new Set(["server 1"]));
  });

  test("takes one of sixteen places, so that PostgreSQL is not flooded with cancels", async () => {
    const scene = new Scene();
    const answered = Promise.withResolvers<void>();
    scene.whenCancelled = () => answered.promise;
    scene.open(...Array.from({ length: 40 }, (_, index) => index));
    scene.ghosts.bury(1, [{ group: "acme", pool: "app", count: 40 }]);
    await scene.pass(100);
    expect(scene.cancelled).toHaveLength(16);
    answered.resolve();
    await scene.pass(1_000);
    expect(scene.cancelled).toHaveLength(80);
    expect(scene.gone).toHaveLength(40);
  });

  test("is nobody's concern after the stop", async () => {
    const scene = new Scene();
    scene.open(1, 2);
    scene.ghosts.bury(1, PERMITS);
    scene.ghosts.stop();
    await scene.pass(6_000);
    expect(scene.gone).toEqual([]);
    expect(scene.clock.pending).toBe(0);
  });
});

/**
 * Several pools of one group driven by a script of numbers. After each step it is held that the group
 * has no more than it may, that nobody waits for what is there, and, at the end, that all are served.
 */

import { expect } from "bun:test";
import { GroupRig } from "./group-rig.ts";
import { type FakeClient, type FakeServer, OpenError, type Rig } from "./rig.ts";

const POOLS = 3;
const SIZE = 2;
const RETRY_MS = 400;
const COARSE_MS = 100;
/** More than all who can wait, times what a rotation takes. */
const ROUNDS_MAX = 300;

export class GroupSimulation {
  readonly #script: readonly number[];
  readonly #shared: GroupRig;
  readonly #held = new Map<FakeServer, Rig>();
  readonly #closing = new Map<FakeServer, Rig>();
  readonly #waiting = new Map<FakeClient, Rig>();
  #next = 0;
  /** What is opened and retired ends at once. */
  #prompt = false;

  constructor(script: readonly number[]) {
    this.#script = script;
    this.#shared = new GroupRig({
      pools: POOLS,
      max: 1 + this.#choose(4),
      limits: { size: SIZE, retryMinMs: 100, retryMaxMs: RETRY_MS },
      attempts: { unprovenAttemptsMax: 1 + this.#choose(3) },
    });
    for (const rig of this.#shared.rigs) this.#watch(rig);
  }

  run(): void {
    while (this.#next < this.#script.length) {
      this.#step();
      this.#check();
    }
  }

  /** From here on everything goes well, and who has a server gives it back: all must be served. */
  finish(): void {
    this.#prompt = true;
    this.#endUnderWay();
    for (let round = 0; this.#waiting.size > 0; round += 1) {
      expect(round).toBeLessThan(ROUNDS_MAX);
      for (const [server, rig] of this.#held) this.#release(server, rig);
      this.#endUnderWay();
      this.#shared.clock.advance(COARSE_MS);
      this.#check();
    }
    for (const { pool } of this.#shared.rigs) pool.close(new OpenError("the end"));
    for (const [server, rig] of this.#held) this.#release(server, rig);
    this.#endUnderWay();
    expect([this.#shared.group.taken, ...this.#shared.taken]).toEqual([0, 0, 0, 0]);
  }

  #watch(rig: Rig): void {
    rig.whenOpen = () => {
      const { group } = this.#shared;
      expect(group.taken).toBeLessThanOrEqual(group.max);
      if (this.#choose(5) === 0 && !this.#prompt) rig.fail("no", "shared");
    };
    rig.whenRetired = (server) => {
      if (this.#prompt || this.#choose(3) === 0) rig.pool.gone(server);
      else this.#closing.set(server, rig);
    };
  }

  #step(): void {
    const rig = this.#shared.rig(this.#choose(POOLS));
    switch (this.#choose(9)) {
      case 0:
      case 1:
      case 2:
        return this.#ask(rig);
      case 3:
      case 4:
        return this.#endHold();
      case 5:
        return this.#endAttempt(rig);
      case 6:
        return this.#endClosing();
      case 7:
        return this.#choose(4) === 0
          ? this.#shared.group.changeMax(1 + this.#choose(4), this.#shared.clock.now())
          : this.#endAttempt(rig);
      default:
        return this.#shared.clock.advance(this.#choose(6) * COARSE_MS);
    }
  }

  #ask(rig: Rig): void {
    const client = rig.ask();
    const [server] = client.granted;
    if (server !== undefined) {
      this.#held.set(server, rig);
      return;
    }
    this.#waiting.set(client, rig);
    client.whenGranted = (granted) => {
      this.#waiting.delete(client);
      this.#held.set(granted, rig);
    };
    client.whenRefused = () => this.#waiting.delete(client);
  }

  #endHold(): void {
    const [server, rig] = this.#oneOf(this.#held);
    if (server === null || rig === null) return;
    if (this.#choose(4) > 0) return this.#release(server, rig);
    this.#held.delete(server);
    rig.pool.gone(server);
  }

  #release(server: FakeServer, rig: Rig): void {
    this.#held.delete(server);
    rig.pool.release(server);
  }

  #endAttempt(rig: Rig): void {
    if (rig.pool.opening === 0) return;
    const outcome = this.#choose(6);
    if (outcome === 0) rig.fail("away", "shared");
    else if (outcome === 1) rig.fail("refused", "own");
    else rig.succeed();
  }

  #endClosing(): void {
    const [server, rig] = this.#oneOf(this.#closing);
    if (server === null || rig === null) return;
    this.#closing.delete(server);
    rig.pool.gone(server);
  }

  #endUnderWay(): void {
    for (const [server, rig] of this.#closing) {
      this.#closing.delete(server);
      rig.pool.gone(server);
    }
    for (const rig of this.#shared.rigs) while (rig.pool.opening > 0) rig.succeed();
  }

  #check(): void {
    const { group, rigs, taken, clock } = this.#shared;
    expect(group.taken).toBe(taken.reduce((sum, n) => sum + n));
    const nowMs = clock.now();
    const lacking = rigs.filter(({ pool }) => pool.waiting > 0 && pool.wanted > 0);
    if (lacking.length === 0 || !group.attempts.mayBegin(nowMs)) return;
    // Attempts may start again by time alone, which pools notice at the next tick.
    if (group.attempts.failing) return;
    expect(group.full).toBe(true);
    const lack = lacking.reduce((sum, { pool }) => sum + Math.min(pool.wanted, pool.waiting), 0);
    const closing = rigs.reduce((sum, { pool }) => sum + pool.closing, 0);
    const idle = rigs.reduce((sum, { pool }) => sum + pool.idle, 0);
    expect(idle === 0 || closing >= lack).toBe(true);
  }

  #oneOf(servers: ReadonlyMap<FakeServer, Rig>): readonly [FakeServer | null, Rig | null] {
    const all = [...servers];
    return all[this.#choose(Math.max(1, all.length))] ?? [null, null];
  }

  /** Returns a number below `count` from the script; past its end always 0. */
  #choose(count: number): number {
    const number = this.#script[this.#next] ?? 0;
    this.#next += 1;
    return number % count;
  }
}

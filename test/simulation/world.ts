/**
 * One schedule of the simulation: real sessions, pools, servers, relays and transports between
 * simulated clients and backends, in fake time. A seed chooses every step, so it repeats the schedule
 * exactly. After each step the invariants are checked; at the end everything must drain.
 */

import { drainMicrotasks } from "bun:jsc";
import { ServerLostError } from "../../src/proxy/proxy-errors.ts";
import { act } from "./actions.ts";
import { Invariants } from "./invariants.ts";
import { Scene, type SceneOptions } from "./scene.ts";
import { planOf } from "./schedule-plan.ts";
import { SeededRandom } from "./seeded-random.ts";

/** Rounds of the last act: after so many without an end, something goes on for ever. */
const ROUNDS_MAX = 1000;
/** Rounds in which nothing moves and time passes: longer than any pause between two attempts. */
const IDLE_ROUNDS_MAX = 40;
const IDLE_ROUND_MS = 500;
/** Longer than the longest pause between two attempts to open a server. */
const REOPENING_MS = 1500;
/** Longer than any timeout that may be under way when all is over. */
const AFTERMATH_MS = 120_000;

export class World {
  readonly #scene: Scene;
  readonly #invariants: Invariants;
  #steps = 0;

  constructor(seed: number, options: SceneOptions = {}) {
    const random = new SeededRandom(seed);
    this.#scene = new Scene(random, planOf(random), options);
    this.#invariants = new Invariants(this.#scene);
  }

  /** What happened, step by step; empty where it was not to be kept. */
  get trace(): readonly string[] {
    return this.#scene.trace?.lines ?? [];
  }

  /** How many steps it took, those of the last act included. */
  get steps(): number {
    return this.#steps;
  }

  /** Runs the schedule. @throws at the first broken invariant */
  run(): void {
    const { clients, steps } = this.#scene.plan;
    for (let left = clients; left > 0; left -= 1) this.#scene.join();
    for (let left = steps; left > 0; left -= 1) {
      act(this.#scene);
      this.#endStep();
    }
    this.#finish();
  }

  #endStep(): void {
    drainMicrotasks();
    this.#invariants.check();
    this.#steps += 1;
  }

  /** Everything goes well from here on: all is answered, then all leave, then nothing may be left. */
  #finish(): void {
    const { pooler, clock, trace, clients } = this.#scene;
    trace?.note("from here on all goes well");
    this.#scene.calmDown();
    this.#settle();
    for (const client of clients) client.checkComplete();
    clock.advance(REOPENING_MS);
    this.#settle();
    this.#invariants.checkKept();
    pooler.close(new ServerLostError(null));
    this.#settle();
    clock.advance(AFTERMATH_MS);
    this.#settle();
    this.#invariants.checkNothingLeft();
  }

  /** Until all have said and heard all, and left, and nothing moves any more. */
  #settle(): void {
    let idleRounds = 0;
    for (let round = 0; round < ROUNDS_MAX; round += 1) {
      const moved = this.#settleOnce();
      this.#endStep();
      if (moved) continue;
      const waiting = this.#scene.clients.filter(({ gone }) => !gone);
      if (waiting.length === 0) return;
      idleRounds += 1;
      if (idleRounds > IDLE_ROUNDS_MAX) break;
      this.#scene.clock.advance(IDLE_ROUND_MS);
      for (const client of waiting) if (client.mayAsk) client.probe();
      drainMicrotasks();
    }
    for (const client of this.#scene.clients) client.checkComplete();
    const present = this.#scene.clients.filter(({ gone }) => !gone);
    throw new Error(`it does not come to rest for ${present.map(({ tag }) => tag).join(" ")}`);
  }

  #settleOnce(): boolean {
    const { network, postgres, clients, pooler, plan } = this.#scene;
    let moved = network.moveAll();
    if (postgres.releaseAll()) moved = true;
    while (postgres.dialing > 0) {
      postgres.accept(pooler.transportOwner, plan.bulk);
      moved = true;
    }
    for (const client of clients) {
      if (client.gone || client.key === null) continue;
      if (client.done) client.leave();
      else if (client.hasMore) client.say();
      else continue;
      moved = true;
    }
    return moved;
  }
}

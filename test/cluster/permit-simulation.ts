/**
 * A keeper of permits and several workers with real pools, on links with delays, driven by a script of numbers:
 * clients come and go, servers open and close slowly or not at all, limits change, workers die and come again.
 *
 * After each step it is held that no more servers are really open than there are permits, and no more permits
 * are granted than the limits allow; at the end that all who wait are served, and that no permit is lost.
 */

import { expect } from "bun:test";
import { PermitKeeper } from "../../src/cluster/permit-keeper.ts";
import { PermitLedger } from "../../src/pool/permit-ledger.ts";
import type { PermitLimits, PermitOrder, PermitReport } from "../../src/pool/permit-messages.ts";
import type { Permits } from "../../src/pool/permits.ts";
import { PoolGroup } from "../../src/pool/pool-group.ts";
import type { PoolLimits } from "../../src/pool/pool-limits.ts";
import {
  constantRandom,
  type FakeClient,
  type FakeServer,
  LIMITS,
  OpenError,
  Rig,
} from "../pool/rig.ts";
import { FakeClock } from "../support/fake-clock.ts";

const GROUP = "tenant";
const POOLS = ["first", "second"] as const;
const WORKERS = 3;
const NEVER = Number.POSITIVE_INFINITY;
const LINK_DELAY_MS = 5;
/** In the end everything goes well: how long whoever waits then may have to wait, at most. */
const SERVED_WITHIN_MS = 20_000;

/** Limits of all pools and the group, as the tenant's record has them. */
interface Limits {
  readonly size: number;
  readonly reserve: number;
  readonly max: number;
  readonly revision: string;
}

export class PermitSimulation {
  readonly clock = new FakeClock();
  readonly keeper: PermitKeeper;
  readonly #script: readonly number[];
  readonly #workers: SimWorker[];
  #next = 0;
  #prompt = false;
  #revisions = 0;
  #limits: Limits;
  /** The newest limits that the keeper has heard of, of the group and of each pool: any of these. */
  #known: readonly PermitLimits[] = [];
  readonly #knownOf = new Map<string, readonly PermitLimits[]>();
  readonly #granted = new Map<string, number>();

  constructor(script: readonly number[]) {
    this.#script = script;
    this.keeper = new PermitKeeper((worker, order) => this.#tell(worker, order));
    this.#limits = this.#newLimits();
    this.#workers = Array.from({ length: WORKERS }, (_, worker) => new SimWorker(worker, this));
  }

  get limits(): Limits {
    return this.#limits;
  }

  /** Returns a number below `count` from the script; past its end always 0. */
  choose(count: number): number {
    const number = this.#script[this.#next] ?? 0;
    this.#next += 1;
    return number % count;
  }

  /** How long something takes: little when all goes well. */
  delay(maxMs: number): number {
    return this.#prompt ? 1 : 1 + this.choose(maxMs);
  }

  get prompt(): boolean {
    return this.#prompt;
  }

  run(): void {
    while (this.#next < this.#script.length) {
      this.#step();
      this.#check();
    }
  }

  /** From here on nothing fails and nobody keeps a server for long: all must be served, and nothing is left. */
  finish(): void {
    this.#prompt = true;
    for (const worker of this.#workers) worker.follow(this.#limits);
    const end = this.clock.now() + SERVED_WITHIN_MS;
    while (this.#workers.some(({ waiting }) => waiting > 0)) {
      expect(this.clock.now()).toBeLessThan(end);
      for (const worker of this.#workers) worker.releaseAll();
      this.#pass(10);
    }
    for (const worker of this.#workers) worker.close();
    this.#pass(10_000);
    expect(this.keeper.takenOf(GROUP)).toBe(0);
    expect(this.keeper.size).toBe(0);
  }

  #step(): void {
    const worker = this.#workers[this.choose(WORKERS)];
    if (worker === undefined) return;
    const action = this.choose(24);
    if (action < 9) worker.ask();
    else if (action < 16) worker.release();
    else if (action < 22) this.#pass(this.choose(60));
    else if (action === 22) this.#changeLimits();
    else if (this.choose(3) === 0) worker.die();
  }

  /** Some hear of it sooner than others. */
  #changeLimits(): void {
    const limits = this.#newLimits();
    this.#limits = limits;
    for (const worker of this.#workers)
      this.clock.after(this.delay(300), () => worker.follow(limits));
  }

  #newLimits(): Limits {
    this.#revisions += 1;
    return {
      size: 1 + this.choose(5),
      reserve: this.choose(3),
      max: 1 + this.choose(8),
      revision: String(this.#revisions).padStart(6, "0"),
    };
  }

  #pass(ms: number): void {
    for (let passed = 0; passed < ms; passed += 1) {
      this.clock.advance(1);
      this.keeper.look(this.clock.now());
      this.#check();
    }
  }

  /** The keeper hears of limits, those of this pool included. It forgets those of what nobody has. */
  heardOf(pool: string, limits: PermitLimits): void {
    this.#known = followed(this.#known, limits, this.keeper.takenOf(GROUP) === 0);
    const known = this.#knownOf.get(pool) ?? [];
    this.#knownOf.set(pool, followed(known, limits, this.#grantedOf(pool) === 0));
  }

  /** A permit of this pool has come back. */
  cameBack(pool: string, count: number): void {
    this.#granted.set(pool, this.#grantedOf(pool) - count);
  }

  /** What is granted is within the newest limits that the keeper has heard of. */
  #tell(worker: number, order: PermitOrder): void {
    const { pool, granted } = order;
    this.#granted.set(pool, this.#grantedOf(pool) + granted);
    if (granted > 0) {
      const most = (this.#knownOf.get(pool) ?? []).map(
        (known) => (known.size ?? NEVER) + known.reserve,
      );
      expect(this.#grantedOf(pool)).toBeLessThanOrEqual(Math.max(...most));
      const max = this.#known.map((known) => known.max ?? NEVER);
      expect(this.keeper.takenOf(GROUP)).toBeLessThanOrEqual(Math.max(...max));
    }
    this.#workers[worker]?.hear(order);
  }

  #grantedOf(pool: string): number {
    return this.#granted.get(pool) ?? 0;
  }

  /** What is really open never goes beyond what the keeper counts. */
  #check(): void {
    let open = 0;
    for (const worker of this.#workers) open += worker.open;
    expect(open).toBeLessThanOrEqual(this.keeper.takenOf(GROUP));
  }
}

/** A worker slot: its present incarnation, and the servers that its dead ones have left. */
class SimWorker {
  readonly #number: number;
  readonly #simulation: PermitSimulation;
  #life: Life | null;
  /** Servers of dead incarnations that are still open. */
  #ghosts = 0;

  constructor(number: number, simulation: PermitSimulation) {
    this.#number = number;
    this.#simulation = simulation;
    this.#life = new Life(number, simulation);
  }

  get open(): number {
    return this.#ghosts + (this.#life?.open ?? 0);
  }

  get waiting(): number {
    return this.#life?.waiting ?? 0;
  }

  ask(): void {
    this.#life?.ask();
  }

  release(): void {
    this.#life?.release();
  }

  releaseAll(): void {
    this.#life?.releaseAll();
  }

  follow(limits: Limits): void {
    this.#life?.follow(limits);
  }

  hear(order: PermitOrder): void {
    this.#life?.hear(order);
  }

  close(): void {
    this.#life?.close();
  }

  /** Its servers are open for a while; the keeper hears of its death, and then of theirs. */
  die(): void {
    const life = this.#life;
    if (life === null) return;
    this.#life = null;
    const { clock, keeper } = this.#simulation;
    const ghosts = life.end();
    this.#ghosts += ghosts;
    clock.after(this.#simulation.delay(20), () => {
      life.lost = true;
      const buried = keeper.bury(this.#number, clock.now());
      clock.after(this.#simulation.delay(400), () => {
        this.#ghosts -= ghosts;
        for (const { group, pool, count } of buried)
          for (let left = count; left > 0; left -= 1) {
            this.#simulation.cameBack(pool, 1);
            keeper.freeGhost(group, pool, clock.now());
          }
      });
      clock.after(this.#simulation.delay(300), () => {
        this.#life = new Life(this.#number, this.#simulation);
      });
    });
  }
}

/** One incarnation: a ledger, and two pools of one group. */
class Life {
  /** The link is gone: nothing that was sent before arrives. */
  lost = false;
  readonly #worker: number;
  readonly #simulation: PermitSimulation;
  readonly #ledger: PermitLedger;
  readonly #permits: Permits;
  readonly #group: PoolGroup;
  readonly #rigs: readonly Rig[];
  readonly #held = new Map<FakeServer, Rig>();
  #dead = false;
  #limits: Limits;
  #upMs = 0;
  #downMs = 0;

  constructor(worker: number, simulation: PermitSimulation) {
    const { clock, limits } = simulation;
    this.#worker = worker;
    this.#simulation = simulation;
    this.#limits = limits;
    this.#ledger = new PermitLedger(this.#port(), clock, () => true);
    this.#permits = this.#ledger.permitsOf(GROUP, limits);
    const attempts = { unprovenAttemptsMax: 1 + simulation.choose(3), failFastAfterMs: NEVER };
    const random = constantRandom(0);
    this.#group = new PoolGroup(limits.max, attempts, random, this.#permits);
    this.#rigs = POOLS.map((name) => {
      const rig = new Rig(poolLimits(limits), random, { group: this.#group, clock, name });
      this.#watch(rig);
      return rig;
    });
  }

  get open(): number {
    return this.#rigs.reduce((sum, { pool }) => sum + pool.taken, 0);
  }

  get waiting(): number {
    return this.#rigs.reduce((sum, { pool }) => sum + pool.waiting, 0);
  }

  ask(): void {
    const rig = this.#rigs[this.#simulation.choose(POOLS.length)];
    if (rig === undefined) return;
    const client = rig.ask();
    const [server] = client.granted;
    if (server !== undefined) this.#lend(server, rig);
    else this.#queue(client, rig);
  }

  release(): void {
    const all = [...this.#held];
    const [server, rig] = all[this.#simulation.choose(Math.max(1, all.length))] ?? [];
    if (server === undefined || rig === undefined) return;
    this.#held.delete(server);
    if (this.#simulation.choose(8) === 0) rig.pool.gone(server);
    else rig.pool.release(server);
  }

  releaseAll(): void {
    for (const [server, rig] of this.#held) {
      this.#held.delete(server);
      rig.pool.release(server);
    }
  }

  follow(limits: Limits): void {
    if (this.#dead || limits.revision < this.#limits.revision) return;
    this.#limits = limits;
    this.#group.changeMax(limits.max, this.#simulation.clock.now());
    for (const { pool } of this.#rigs) pool.changeLimits(poolLimits(limits));
    this.#permits.follow(limits);
  }

  hear(order: PermitOrder): void {
    this.#downMs = this.#later(this.#downMs, () => this.#ledger.onOrder(order));
  }

  close(): void {
    for (const { pool } of this.#rigs) pool.close(new OpenError("the end"));
    this.releaseAll();
  }

  /** Returns how many servers it leaves. */
  end(): number {
    const { open } = this;
    this.#dead = true;
    return open;
  }

  #lend(server: FakeServer, rig: Rig): void {
    this.#held.set(server, rig);
  }

  #queue(client: FakeClient, rig: Rig): void {
    client.whenGranted = (server) => this.#lend(server, rig);
  }

  #watch(rig: Rig): void {
    const { clock } = this.#simulation;
    rig.whenOpen = () => {
      clock.after(this.#simulation.delay(40), () => {
        if (this.#dead) return;
        const outcome = this.#simulation.prompt ? 5 : this.#simulation.choose(8);
        if (outcome === 0) rig.fail("away", "shared");
        else if (outcome === 1) rig.fail("refused", "own");
        else rig.succeed();
      });
    };
    rig.whenRetired = (server) => {
      clock.after(this.#simulation.delay(40), () => {
        if (!this.#dead) rig.pool.gone(server);
      });
    };
  }

  #port() {
    const { keeper, clock } = this.#simulation;
    return {
      report: (report: PermitReport) =>
        this.#send(() => {
          this.#simulation.heardOf(report.pool, report.limits);
          keeper.report(this.#worker, report, clock.now());
        }),
      returned: (group: string, pool: string, count: number) =>
        this.#send(() => {
          this.#simulation.cameBack(pool, count);
          keeper.returned(this.#worker, group, pool, count, clock.now());
        }),
      opened: () => {},
      closed: () => {},
    };
  }

  /** What a worker has sent arrives also when it is dead, until its link is known to be gone. */
  #send(deliver: () => void): void {
    if (this.#dead) return;
    this.#upMs = this.#later(this.#upMs, deliver);
  }

  /** In order, after a delay. Returns when. */
  #later(notBeforeMs: number, deliver: () => void): number {
    const { clock } = this.#simulation;
    const atMs = Math.max(notBeforeMs, clock.now() + this.#simulation.delay(LINK_DELAY_MS));
    clock.after(atMs - clock.now(), () => {
      if (!this.lost) deliver();
    });
    return atMs;
  }
}

function poolLimits({ size, reserve }: Limits): PoolLimits {
  const waits = { reserveAfterMs: 200, checkoutTimeoutMs: NEVER, connectDeadlineMs: NEVER };
  return { ...LIMITS, size, reserve, ...waits, retryMinMs: 100, retryMaxMs: 400 };
}

/** Returns which limits may hold once the keeper has heard of `limits`: newer ones, or these where it may have `forgotten` all. */
function followed(
  known: readonly PermitLimits[],
  limits: PermitLimits,
  forgotten: boolean,
): readonly PermitLimits[] {
  const newer = known.filter(({ revision }) => revision > limits.revision);
  return newer.length < known.length || known.length === 0 || forgotten
    ? [...newer, limits]
    : newer;
}

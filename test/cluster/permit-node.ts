/**
 * A keeper and several workers with one pool each, in a time of their own: a message takes 1 ms, and so does a
 * server to be opened or closed. Tests script the clients.
 */

import { PermitKeeper } from "../../src/cluster/permit-keeper.ts";
import { GroupClaim } from "../../src/pool/group-claim.ts";
import type { KeeperPort } from "../../src/pool/keeper-port.ts";
import { PermitLedger } from "../../src/pool/permit-ledger.ts";
import type { Permits } from "../../src/pool/permits.ts";
import { PoolGroup } from "../../src/pool/pool-group.ts";
import type { PoolLimits } from "../../src/pool/pool-limits.ts";
import { constantRandom, type FakeClient, type FakeServer, LIMITS, Rig } from "../pool/rig.ts";
import { FakeClock } from "../support/fake-clock.ts";

const GROUP = "tenant";
const NEVER = Number.POSITIVE_INFINITY;

export interface PermitNodeOptions {
  readonly workers?: number;
  readonly max?: number;
  readonly limits?: Partial<PoolLimits>;
  /** Names of each worker's pools. */
  readonly pools?: readonly string[];
}

export class PermitNode {
  readonly clock = new FakeClock();
  readonly keeper: PermitKeeper;
  readonly workers: readonly PermitWorker[];
  /** Messages from and to all workers. */
  messages = 0;

  constructor({ workers = 2, max = NEVER, limits = {}, pools = ["pool"] }: PermitNodeOptions = {}) {
    this.keeper = new PermitKeeper((worker, order) =>
      this.deliver(() => this.workers[worker]?.ledger.onOrder(order)),
    );
    const all = { ...LIMITS, lendingOrder: "fifo", ...limits } as const;
    this.workers = Array.from(
      { length: workers },
      (_, number) => new PermitWorker(number, this, { limits: all, max, pools }),
    );
  }

  worker(number: number): PermitWorker {
    const worker = this.workers[number];
    if (worker === undefined) throw new Error(`there is no worker ${number}`);
    return worker;
  }

  /** Servers of each worker, in whatever state. */
  get taken(): number[] {
    return this.workers.map(({ rig }) => rig.pool.taken);
  }

  get permits(): number {
    return this.keeper.takenOf(GROUP);
  }

  /** Servers that were ever opened. */
  get opened(): number {
    return this.workers.reduce((sum, { rig }) => sum + rig.attempts, 0);
  }

  pass(ms: number): void {
    for (let passed = 0; passed < ms; passed += 1) {
      this.clock.advance(1);
      this.keeper.look(this.clock.now());
    }
  }

  /** All workers hear of other limits. */
  follow(limits: Partial<PoolLimits>, max: number, revision: string): void {
    for (const worker of this.workers) worker.follow(limits, max, revision);
  }

  deliver(run: () => void): void {
    this.messages += 1;
    this.clock.after(1, run);
  }
}

interface PermitWorkerOptions {
  readonly limits: PoolLimits;
  readonly max: number;
  readonly pools: readonly string[];
}

export class PermitWorker {
  readonly ledger: PermitLedger;
  readonly rigs: readonly Rig[];
  readonly group: PoolGroup;
  readonly #node: PermitNode;
  readonly #limits: PoolLimits;
  readonly #permits: Permits;

  constructor(number: number, node: PermitNode, { limits, max, pools }: PermitWorkerOptions) {
    this.#node = node;
    this.#limits = limits;
    const { clock, keeper } = node;
    const port: KeeperPort = {
      report: (report) => node.deliver(() => keeper.report(number, report, clock.now())),
      returned: (group, pool, count) =>
        node.deliver(() => keeper.returned(number, group, pool, count, clock.now())),
      opened: () => {},
      closed: () => {},
    };
    this.ledger = new PermitLedger(port, clock, () => true);
    this.#permits = this.ledger.permitsOf(GROUP, { max, revision: "1" });
    const random = constantRandom(0);
    const attempts = { unprovenAttemptsMax: NEVER, failFastAfterMs: NEVER };
    this.group = new PoolGroup(max, attempts, random, this.#permits);
    this.rigs = pools.map((name) => {
      const rig = new Rig(limits, random, { group: this.group, clock, name });
      rig.whenOpen = () => clock.after(1, () => rig.succeed());
      rig.whenRetired = (server) => clock.after(1, () => rig.pool.gone(server));
      return rig;
    });
  }

  /** Its first pool. */
  get rig(): Rig {
    const [rig] = this.rigs;
    if (rig === undefined) throw new Error("a worker has a pool");
    return rig;
  }

  follow(limits: Partial<PoolLimits>, max: number, revision: string): void {
    this.group.changeMax(max, this.#node.clock.now());
    for (const { pool } of this.rigs) pool.changeLimits({ ...this.#limits, ...limits });
    this.#permits.follow({ max, revision });
  }

  /** So many clients ask. */
  ask(count: number): FakeClient[] {
    return Array.from({ length: count }, () => this.rig.ask());
  }

  /** So many clients run transactions of `ms` one after the other, with no time between. */
  load(count: number, ms: number): LoadingClient[] {
    return Array.from({ length: count }, () => new LoadingClient(this.#node, this, ms));
  }

  /** Asks for room for a server that no pool lends. */
  claim(onGranted: () => void): GroupClaim {
    const claim = new GroupClaim(this.group, this.#node.clock.now(), onGranted);
    claim.claim();
    return claim;
  }
}

/** Transaction after transaction. */
class LoadingClient {
  done = 0;
  stopped = false;
  readonly #node: PermitNode;
  readonly #worker: PermitWorker;
  readonly #ms: number;

  constructor(node: PermitNode, worker: PermitWorker, ms: number) {
    this.#node = node;
    this.#worker = worker;
    this.#ms = ms;
    this.#begin();
  }

  #begin(): void {
    if (this.stopped) return;
    const client = this.#worker.rig.ask();
    const [server] = client.granted;
    if (server !== undefined) this.#run(server);
    else client.whenGranted = (granted) => this.#run(granted);
  }

  #run(server: FakeServer): void {
    this.#node.clock.after(this.#ms, () => {
      this.done += 1;
      this.#worker.rig.pool.release(server);
      this.#begin();
    });
  }
}

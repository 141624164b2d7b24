/**
 * The permits of one tenant over all workers of the node: grants them within the limits of the tenant and of
 * each of its pools, and asks them back for who lacks some.
 *
 * Who gets what is free: who has waiting clients goes before who has none, who has fewest before others, and
 * of equal ones who has waited longest.
 */

import { assert } from "../base/assert.ts";
import type { PermitOrder, PermitReport } from "../pool/permit-messages.ts";
import type { PermitHolder } from "./permit-holder.ts";
import { PoolPermits } from "./pool-permits.ts";
import { PATIENCE_MS, RecallPlan, type RecallScope } from "./recall-plan.ts";

/** What is told to whom. */
export type TellWorker = (worker: number, order: PermitOrder) => void;

/**
 * How long spare resources are still reported after nobody has lacked any: a group that is short of them now
 * will be again.
 */
const WATCH_MS = 500;

export class GroupPermits implements RecallScope {
  readonly name: string;
  readonly #tell: TellWorker;
  readonly #pools = new Map<string, PoolPermits>();
  #max = Number.POSITIVE_INFINITY;
  #revision = "";
  #taken = 0;
  #askers: readonly PermitHolder[] = [];
  /** Something was asked back, or watched, after the latest event. */
  #isShort = false;
  /** When it was settled last. */
  #nowMs = Number.NEGATIVE_INFINITY;
  #watchUntilMs = Number.NEGATIVE_INFINITY;

  constructor(name: string, tell: TellWorker) {
    this.name = name;
    this.#tell = tell;
  }

  get taken(): number {
    return this.#taken;
  }

  get max(): number {
    return this.#max;
  }

  get pools(): readonly PoolPermits[] {
    return [...this.#pools.values()];
  }

  get askers(): readonly PermitHolder[] {
    return this.#askers;
  }

  get nowMs(): number {
    return this.#nowMs;
  }

  get holders(): readonly PermitHolder[] {
    return this.pools.flatMap(({ holders }) => holders);
  }

  /** Nobody has any, or asks for some. */
  get over(): boolean {
    return this.#pools.size === 0;
  }

  /** When it is to be looked at again, though nothing happens; Infinity: never. */
  get dueMs(): number {
    if (!this.#isShort) return Number.POSITIVE_INFINITY;
    let dueMs = this.#watchUntilMs;
    for (const { sinceMs } of this.#askers)
      if (sinceMs + PATIENCE_MS > this.#nowMs) dueMs = Math.min(dueMs, sinceMs + PATIENCE_MS);
    return dueMs;
  }

  /** How many permits of a pool a worker has. */
  heldBy(worker: number, pool: string): number {
    return this.#pools.get(pool)?.find(worker)?.held ?? 0;
  }

  report(worker: number, report: PermitReport, nowMs: number): void {
    const { limits } = report;
    if (limits.revision >= this.#revision) {
      this.#revision = limits.revision;
      this.#max = limits.max ?? Number.POSITIVE_INFINITY;
    }
    const pool = this.#ensure(report.pool);
    pool.follow(limits);
    pool.ensure(worker).report(report, nowMs);
    this.settle(nowMs);
  }

  /** So many permits of `worker` are free: what it never had is not. */
  returned(worker: number, poolName: string, count: number, nowMs: number): void {
    const pool = this.#pools.get(poolName);
    const holder = pool?.find(worker) ?? null;
    if (pool === undefined || holder === null) return;
    const freed = Math.min(count, holder.held);
    pool.returned(holder, freed);
    this.#taken -= freed;
    this.settle(nowMs);
  }

  /** Returns for each pool how many permits the worker had: they stay taken until each is freed. */
  bury(worker: number, nowMs: number): ReadonlyMap<string, number> {
    const buried = new Map<string, number>();
    for (const pool of this.#pools.values()) {
      const holder = pool.find(worker);
      if (holder === null) continue;
      buried.set(pool.name, holder.held);
      pool.bury(holder);
    }
    if (buried.size > 0) this.settle(nowMs);
    return buried;
  }

  freeGhost(poolName: string, nowMs: number): void {
    const pool = this.#pools.get(poolName);
    assert(pool !== undefined, "a ghost keeps its pool");
    pool.freeGhost();
    this.#taken -= 1;
    this.settle(nowMs);
  }

  /** Grants what can be granted, asks back what is lacked, and tells the workers. */
  settle(nowMs: number): void {
    this.#nowMs = nowMs;
    this.#askers = this.holders.filter(({ wanted }) => wanted > 0).toSorted(byNeed);
    this.#grant();
    const wasShort = this.#isShort;
    const watchedBefore = wasShort ? this.holders.filter(({ watched }) => watched) : [];
    if (wasShort || this.#askers.length > 0 || this.#isOver()) new RecallPlan(this).apply();
    this.#keepWatching(watchedBefore, nowMs);
    this.#tellAll();
  }

  #grant(): void {
    for (let next = this.#next(); next !== null; next = this.#next()) {
      this.#ensure(next.pool.name).grant(next);
      this.#taken += 1;
      this.#askers = this.#askers.filter(({ wanted }) => wanted > 0).toSorted(byNeed);
    }
  }

  #next(): PermitHolder | null {
    if (this.#taken >= this.#max) return null;
    return this.#askers.find(({ pool, beyond }) => pool.taken < pool.most(beyond)) ?? null;
  }

  #isOver(): boolean {
    if (this.#taken > this.#max) return true;
    for (const pool of this.#pools.values()) if (pool.taken > pool.mostNow) return true;
    return false;
  }

  #keepWatching(watchedBefore: readonly PermitHolder[], nowMs: number): void {
    let isShort = false;
    for (const { watched, recalled } of this.holders) isShort ||= watched || recalled > 0;
    if (isShort) this.#watchUntilMs = nowMs + WATCH_MS;
    const watches = nowMs < this.#watchUntilMs;
    if (watches) for (const holder of watchedBefore) holder.watched = !holder.over;
    this.#isShort = isShort || watches;
  }

  #tellAll(): void {
    for (const pool of this.#pools.values()) {
      for (const holder of pool.holders) {
        const order = holder.takeOrder(this.name);
        if (order !== null) this.#tell(holder.worker, order);
        if (holder.over) pool.forget(holder);
      }
      if (pool.over) this.#pools.delete(pool.name);
    }
  }

  #ensure(name: string): PoolPermits {
    const known = this.#pools.get(name);
    if (known !== undefined) return known;
    const pool = new PoolPermits(name);
    this.#pools.set(name, pool);
    return pool;
  }
}

function byNeed(one: PermitHolder, other: PermitHolder): number {
  if (one.lack === 0 || other.lack === 0) return other.lack - one.lack;
  if (one.kept !== other.kept) return one.kept - other.kept;
  return one.sinceMs - other.sinceMs;
}

/**
 * Counts the servers of all workers of a node: each needs a permit, and there are never more permits of a pool
 * or a tenant than it may have servers. Owns no clock and no connection: what it decides depends on what it is
 * told, and when.
 */

import type { PermitReport } from "../pool/permit-messages.ts";
import { GroupPermits, type TellWorker } from "./group-permits.ts";

/** Permits of a worker that is gone. */
export interface BuriedPermits {
  readonly group: string;
  readonly pool: string;
  readonly count: number;
}

export class PermitKeeper {
  readonly #tell: TellWorker;
  readonly #groups = new Map<string, GroupPermits>();
  /** Those that are to be looked at again. */
  readonly #short = new Set<GroupPermits>();

  /** @param tell must not call back */
  constructor(tell: TellWorker) {
    this.#tell = tell;
  }

  /** Groups of which anybody has a permit, or asks for one. */
  get size(): number {
    return this.#groups.size;
  }

  /** Permits of a group that somebody has, those of workers that are gone included. */
  takenOf(group: string): number {
    return this.#groups.get(group)?.taken ?? 0;
  }

  /** When {@link look} is to be called, though nobody says anything; Infinity: it need not. */
  get dueMs(): number {
    let dueMs = Number.POSITIVE_INFINITY;
    for (const group of this.#short) dueMs = Math.min(dueMs, group.dueMs);
    return dueMs;
  }

  report(worker: number, report: PermitReport, nowMs: number): void {
    let group = this.#groups.get(report.group);
    if (group === undefined) {
      group = new GroupPermits(report.group, this.#tell);
      this.#groups.set(report.group, group);
    }
    group.report(worker, report, nowMs);
    this.#sweep(group);
  }

  /** So many permits of `worker` are free. */
  returned(worker: number, groupName: string, pool: string, count: number, nowMs: number): void {
    const group = this.#groups.get(groupName);
    if (group === undefined) return;
    group.returned(worker, pool, count, nowMs);
    this.#sweep(group);
  }

  /** The worker is gone. What it had stays taken until {@link freeGhost} is called for each. */
  bury(worker: number, nowMs: number): readonly BuriedPermits[] {
    const buried: BuriedPermits[] = [];
    for (const group of this.#groups.values()) {
      for (const [pool, count] of group.bury(worker, nowMs))
        if (count > 0) buried.push({ group: group.name, pool, count });
      this.#sweep(group);
    }
    return buried;
  }

  /** What one permit of a worker that is gone stood for is gone, too. */
  freeGhost(groupName: string, pool: string, nowMs: number): void {
    const group = this.#groups.get(groupName);
    if (group === undefined) return;
    group.freeGhost(pool, nowMs);
    this.#sweep(group);
  }

  /** Time has passed. */
  look(nowMs: number): void {
    for (const group of this.#short) {
      if (nowMs < group.dueMs) continue;
      group.settle(nowMs);
      this.#sweep(group);
    }
  }

  #sweep(group: GroupPermits): void {
    if (group.over) this.#groups.delete(group.name);
    if (group.over || !Number.isFinite(group.dueMs)) this.#short.delete(group);
    else this.#short.add(group);
  }
}

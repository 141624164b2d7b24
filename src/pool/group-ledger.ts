/**
 * The permits of one group at this worker, by the names of its pools. Pools of one name share theirs: one that
 * is being closed may still have resources when its successor is there already.
 */

import type { GroupMember } from "./group-member.ts";
import type { LedgerDesk, LookedAt } from "./keeper-port.ts";
import type { PermitOrder } from "./permit-messages.ts";
import type { GroupLimits, IdleResource, Permits } from "./permits.ts";
import { PoolLedger } from "./pool-ledger.ts";
import type { SharedAttempts } from "./shared-attempts.ts";

export class GroupLedger implements Permits, LookedAt {
  readonly group: string;
  readonly #desk: LedgerDesk;
  readonly #pools = new Map<string, PoolLedger>();
  #limits: GroupLimits;
  #attempts: SharedAttempts | null = null;

  constructor(group: string, limits: GroupLimits, desk: LedgerDesk) {
    this.group = group;
    this.#limits = limits;
    this.#desk = desk;
  }

  get awaited(): boolean {
    for (const { isAsking } of this.#pools.values()) if (isAsking) return true;
    return false;
  }

  begin(attempts: SharedAttempts): void {
    this.#attempts = attempts;
  }

  take(member: GroupMember): boolean {
    const pool = this.#ensure(member.name);
    if (pool.take(member)) return true;
    this.#reportGrown(pool);
    this.#desk.lookAgain(this);
    return false;
  }

  freed(member: GroupMember): void {
    this.#pools.get(member.name)?.freed();
    this.#giveBack(member.name, 1);
  }

  awaits(member: GroupMember): boolean {
    return this.#pools.get(member.name)?.awaits(member) ?? false;
  }

  yields(member: GroupMember, idle: IdleResource, nowMs: number): boolean {
    return this.#pools.get(member.name)?.yields(member, idle, nowMs) ?? false;
  }

  leave(member: GroupMember): void {
    const pool = this.#pools.get(member.name);
    if (pool === undefined) return;
    pool.leave(member);
    this.#look(pool);
  }

  follow(limits: GroupLimits): void {
    this.#limits = limits;
    for (const pool of this.#pools.values()) this.#report(pool);
  }

  opened(pool: string, where: unknown): number {
    const resource = this.#desk.nextResource();
    this.#desk.keeper.opened(resource, this.group, pool, where);
    return resource;
  }

  closed(resource: number): void {
    this.#desk.keeper.closed(resource);
  }

  end(): void {
    for (const pool of this.#pools.values()) {
      pool.leaveAll();
      this.#look(pool);
    }
    this.#desk.forget(this);
  }

  /** What the keeper grants or asks for. */
  onOrder(order: PermitOrder): void {
    const pool = this.#pools.get(order.pool);
    const unused = pool === undefined ? order.granted : pool.onOrder(order);
    this.#giveBack(order.pool, unused);
    if (pool !== undefined) this.#look(pool);
  }

  /** Says what has changed, and gives up what is due. */
  look(): void {
    for (const pool of this.#pools.values()) {
      pool.giveUp();
      this.#look(pool);
    }
  }

  #look(pool: PoolLedger): void {
    if (pool.differs(this.#attemptsLeft, this.#desk.nowMs)) this.#report(pool);
    if (pool.over) this.#pools.delete(pool.name);
    else if (pool.isPressed) this.#desk.lookAgain(this);
  }

  #reportGrown(pool: PoolLedger): void {
    if (pool.hasGrown(this.#attemptsLeft, this.#desk.nowMs)) this.#report(pool);
  }

  #report(pool: PoolLedger): void {
    const { nowMs, keeper } = this.#desk;
    const { max, revision } = this.#limits;
    const state = pool.takeReport(this.#attemptsLeft, nowMs);
    const limits = { ...pool.limits, max: Number.isFinite(max) ? max : null, revision };
    keeper.report({ group: this.group, pool: pool.name, limits, ...state });
  }

  get #attemptsLeft(): number {
    return this.#attempts?.left(this.#desk.nowMs) ?? Number.POSITIVE_INFINITY;
  }

  #giveBack(pool: string, count: number): void {
    if (count > 0) this.#desk.keeper.returned(this.group, pool, count);
  }

  #ensure(name: string): PoolLedger {
    const known = this.#pools.get(name);
    if (known !== undefined) return known;
    const pool = new PoolLedger(name);
    this.#pools.set(name, pool);
    return pool;
  }
}

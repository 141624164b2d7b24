/**
 * The permits of one group at this worker, by the names of its pools. Pools of one name share theirs: one that
 * is being closed may still have resources when its successor is there already.
 */

import type { GroupMember } from "./group-member.ts";
import type { LedgerDesk, LookedAt } from "./keeper-port.ts";
import type { PermitOrder } from "./permit-messages.ts";
import type { GroupLimits, GroupRoom, IdleResource, Permits } from "./permits.ts";
import { PoolLedger, type Useful } from "./pool-ledger.ts";

export class GroupLedger implements Permits, LookedAt {
  readonly group: string;
  readonly #desk: LedgerDesk;
  readonly #pools = new Map<string, PoolLedger>();
  #limits: GroupLimits;
  #room: GroupRoom | null = null;

  constructor(group: string, limits: GroupLimits, desk: LedgerDesk) {
    this.group = group;
    this.#limits = limits;
    this.#desk = desk;
  }

  get awaited(): boolean {
    for (const { isAsking } of this.#pools.values()) if (isAsking) return true;
    return false;
  }

  begin(room: GroupRoom): void {
    this.#room = room;
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
    // What is being closed for them already is known first, or the keeper would ask for others.
    for (const pool of this.#pools.values()) if (pool.closesOther(this.#useful)) this.#report(pool);
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
    // What is of no use now is asked for again later, or it would go to and fro.
    if (unused > 0) this.#desk.lookAgain(this);
    else if (pool !== undefined) this.#look(pool);
  }

  /** Says what has changed, and gives up what is due. */
  look(): void {
    for (const pool of this.#pools.values()) {
      pool.giveUp();
      this.#look(pool);
    }
  }

  #look(pool: PoolLedger): void {
    if (pool.differs(this.#useful)) this.#report(pool);
    if (pool.over) this.#pools.delete(pool.name);
    else if (pool.isPressed) this.#desk.lookAgain(this);
  }

  #reportGrown(pool: PoolLedger): void {
    if (pool.hasGrown(this.#useful)) this.#report(pool);
  }

  #report(pool: PoolLedger): void {
    const { keeper } = this.#desk;
    const { max, revision } = this.#limits;
    const state = pool.takeReport(this.#useful);
    const limits = { ...pool.limits, max: Number.isFinite(max) ? max : null, revision };
    keeper.report({ group: this.group, pool: pool.name, limits, ...state });
  }

  get #useful(): Useful {
    const { nowMs } = this.#desk;
    const room = this.#room;
    if (room === null) return { permits: 0, attempts: 0, nowMs };
    return { permits: room.left, attempts: room.attemptsLeft(nowMs), nowMs };
  }

  #giveBack(pool: string, count: number): void {
    if (count === 0) return;
    this.#pools.get(pool)?.gaveBack(count);
    this.#desk.keeper.returned(this.group, pool, count);
  }

  #ensure(name: string): PoolLedger {
    const known = this.#pools.get(name);
    if (known !== undefined) return known;
    const pool = new PoolLedger(name);
    this.#pools.set(name, pool);
    return pool;
  }
}

/**
 * The permits of the pools of one name at this worker: how many they have, what the keeper was told, and what it
 * asks for.
 */

import { assert } from "../base/assert.ts";
import type { GroupMember } from "./group-member.ts";
import type { PermitLimits, PermitOrder, PermitReport, YieldMode } from "./permit-messages.ts";
import type { IdleResource } from "./permits.ts";
import { YOUNG_MS } from "./pool-group.ts";

/**
 * How long a resource rests before it counts as spare. A worker that is busy takes it up again sooner, also where
 * more processes than cores are busy and it waits for its turn.
 */
export const SPARE_AFTER_MS = 100;

/** While others wait too, the keeper hears when the first waiter is another one, if by more than this. */
const WAIT_NEWS_MS = 50;

/** How many permits are of use now, whatever is lacked. */
export interface Useful {
  readonly permits: number;
  /** To open resources; others are for what somebody else opens. */
  readonly attempts: number;
  readonly nowMs: number;
}

/** What of a report changes from moment to moment. */
type State = Omit<PermitReport, "group" | "pool" | "limits">;

const NOTHING: State = {
  heard: 0,
  wanted: 0,
  waiting: 0,
  waitedMs: 0,
  beyond: false,
  closing: 0,
  spare: 0,
  restedMs: 0,
};

export class PoolLedger {
  readonly name: string;
  readonly #members = new Set<GroupMember>();
  /** Permits that stand for a resource. */
  #used = 0;
  /** Granted, and not yet used. */
  #stock = 0;
  #told = NOTHING;
  /** Permits that were ever granted. */
  #heard = 0;
  /** Since when the first waiter waits that the keeper was told of. */
  #toldSinceMs = Number.POSITIVE_INFINITY;
  #cap: number | null = null;
  #mode: YieldMode = "spare";
  #watched = false;

  constructor(name: string) {
    this.name = name;
  }

  /** Whether nothing is left to be known of it. */
  get over(): boolean {
    return this.#members.size === 0 && this.#used === 0 && !this.isAsking;
  }

  /** Whether it has asked for permits that it has not got. */
  get isAsking(): boolean {
    return this.#told.wanted > 0;
  }

  /** Whether it lacks something, or others lack what it has: then it is looked at again and again. */
  get isPressed(): boolean {
    return this.isAsking || this.#told.waiting > 0 || this.#watched || this.#cap !== null;
  }

  /** Limits of the pool that joined last. */
  get limits(): Pick<PermitLimits, "size" | "reserve"> {
    let limits = { size: Number.POSITIVE_INFINITY, reserve: 0 };
    for (const { size, reserve } of this.#members) limits = { size, reserve };
    const { size, reserve } = limits;
    return { size: Number.isFinite(size) ? size : null, reserve };
  }

  /** Takes a permit if one is there. */
  take(member: GroupMember): boolean {
    this.#join(member);
    if (this.#stock === 0) return false;
    this.#stock -= 1;
    this.#used += 1;
    return true;
  }

  freed(): void {
    assert(this.#used > 0, "what is freed was taken");
    this.#used -= 1;
  }

  /** The keeper counts so many as those of which it was known that they come back. */
  gaveBack(count: number): void {
    this.#told = { ...this.#told, closing: Math.max(0, this.#told.closing - count) };
  }

  awaits(member: GroupMember): boolean {
    return this.#stock === 0 && this.isAsking && this.#members.has(member);
  }

  yields(member: GroupMember, { openedAtMs, sinceMs }: IdleResource, nowMs: number): boolean {
    if (this.#cap === null || this.#held <= this.#cap) return false;
    if (this.#mode === "any") return true;
    if (this.#mode === "grown") return nowMs - openedAtMs >= YOUNG_MS;
    return member.waiting === 0 && nowMs - sinceMs >= SPARE_AFTER_MS;
  }

  leave(member: GroupMember): void {
    this.#members.delete(member);
  }

  leaveAll(): void {
    this.#members.clear();
  }

  /** Returns how many of the permits granted are of no use. */
  onOrder({ total, granted, cap, mode, watched }: PermitOrder): number {
    this.#heard = total;
    this.#cap = cap;
    this.#mode = mode;
    this.#watch(watched);
    this.#stock += granted;
    const { wanted, waiting } = this.#told;
    this.#told = {
      ...this.#told,
      wanted: Math.max(0, wanted - granted),
      waiting: Math.max(0, waiting - granted),
    };
    if (granted > 0) this.#wake();
    const unused = this.#stock;
    this.#stock = 0;
    this.giveUp();
    return unused;
  }

  /** Has its pools look at what they must give up: what was young, or just used, may no longer be. */
  giveUp(): void {
    if (this.#cap !== null && this.#held > this.#cap) this.#wakeAll();
  }

  /** Whether it lacks more than the keeper knows. */
  hasGrown(useful: Useful): boolean {
    const { wanted, waiting, beyond } = this.#state(useful);
    const told = this.#told;
    if (wanted > told.wanted || (beyond && !told.beyond)) return true;
    return Math.min(wanted, waiting) > Math.min(told.wanted, told.waiting);
  }

  /** Whether more or less is being closed than the keeper knows. */
  closesOther(useful: Useful): boolean {
    return this.#state(useful).closing !== this.#told.closing;
  }

  /** Whether the keeper might decide otherwise if it knew how things stand. */
  differs(useful: Useful): boolean {
    const state = this.#state(useful);
    const told = this.#told;
    if (state.wanted !== told.wanted || state.beyond !== told.beyond) return true;
    if (Math.min(state.wanted, state.waiting) !== Math.min(told.wanted, told.waiting)) return true;
    if (state.waiting > 0 !== told.waiting > 0) return true;
    if ((this.#watched || this.isAsking) && this.#hasOtherFirst(state, useful.nowMs)) return true;
    return this.#watched && (state.closing !== told.closing || state.spare !== told.spare);
  }

  /** Returns how things stand; the keeper counts as told. */
  takeReport(useful: Useful): State {
    this.#told = this.#state(useful);
    this.#toldSinceMs = sinceOf(this.#told, useful.nowMs);
    return this.#told;
  }

  #join(member: GroupMember): void {
    if (this.#members.has(member)) return;
    this.#members.add(member);
    member.scarce = this.#watched;
  }

  #watch(watched: boolean): void {
    this.#watched = watched;
    for (const member of this.#members) member.scarce = watched;
  }

  #hasOtherFirst(state: State, nowMs: number): boolean {
    return Math.abs(sinceOf(state, nowMs) - this.#toldSinceMs) > WAIT_NEWS_MS;
  }

  get #held(): number {
    let held = 0;
    for (const member of this.#members) held += member.held;
    return held;
  }

  /** Those that lack something, as long as there is anything to be had. */
  #wake(): void {
    for (const member of this.#members) {
      if (this.#stock === 0) return;
      if (member.wanted > 0) member.wake();
    }
  }

  #wakeAll(): void {
    for (const member of this.#members) member.wake();
  }

  #state(useful: Useful): State {
    const { permits, attempts, nowMs } = useful;
    let [wanted, waiting, beyond, closing, spare] = [0, 0, false, 0, 0];
    let [waitsSinceMs, restsSinceMs] = [Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY];
    for (const member of this.#members) {
      wanted += member.attempts ? Math.min(member.wanted, attempts) : member.wanted;
      waiting += member.waiting;
      beyond ||= member.usesReserve;
      waitsSinceMs = Math.min(waitsSinceMs, member.oldestWaitSinceMs);
      closing += member.closing;
      spare += member.spare(nowMs - SPARE_AFTER_MS);
      restsSinceMs = Math.min(restsSinceMs, member.oldestIdleSinceMs);
    }
    wanted = Math.min(wanted, permits);
    const waitedMs = waiting > 0 ? Math.max(0, nowMs - waitsSinceMs) : 0;
    const restedMs = spare > 0 ? Math.max(0, nowMs - restsSinceMs) : 0;
    return { heard: this.#heard, wanted, waiting, waitedMs, beyond, closing, spare, restedMs };
  }
}

function sinceOf({ waiting, waitedMs }: State, nowMs: number): number {
  return waiting > 0 ? nowMs - waitedMs : Number.POSITIVE_INFINITY;
}

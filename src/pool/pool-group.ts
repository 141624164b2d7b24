/**
 * What the pools of one group share: a number of resources that they never exceed together, in whatever
 * state, and the attempts to open more ({@link SharedAttempts}). Knows its pools as {@link GroupMember}s.
 *
 * Who gets what: a resource that is closed makes room for the pool that waits and has fewest; of equal
 * ones, for the one that has waited longest. So a pool without any goes first. While there is no room,
 * resources that are idle elsewhere are closed for a pool that waits, the one idle for longest first. A
 * pool in which others wait gives one of its own up as it comes back, if it has two more than the pool
 * that waits, or if that has none and has waited longer.
 *
 * A pool that was refused is remembered, and woken when it may be served: so nobody polls.
 */

import { assert } from "../base/assert.ts";
import type { PoolerError } from "../base/pooler-error.ts";
import type { Random } from "../base/random.ts";
import type { GroupMember } from "./group-member.ts";
import type { GroupRoom, IdleResource, Permits } from "./permits.ts";
import type { PoolLimits } from "./pool-limits.ts";
import { type AttemptLimits, SharedAttempts } from "./shared-attempts.ts";

/** How long a resource is used before it is given up to who has none: several times what opening one takes. */
export const YOUNG_MS = 100;

export class PoolGroup implements GroupRoom {
  readonly attempts: SharedAttempts;
  readonly #members = new Set<GroupMember>();
  /** Those that were refused and still want; of equal ones the first goes first. */
  readonly #refused = new Set<GroupMember>();
  /** Null: all resources are this process's own. */
  readonly #permits: Permits | null;
  #max: number;
  #taken = 0;
  #offering = false;

  /** @param permits needed for each resource, where other processes have some of the same; null: there are none */
  constructor(max: number, limits: AttemptLimits, random: Random, permits: Permits | null = null) {
    this.#max = max;
    this.attempts = new SharedAttempts(limits, random);
    this.#permits = permits;
    permits?.begin(this);
  }

  /** Resources at most, over all pools. Infinity: no limit but their own. */
  get max(): number {
    return this.#max;
  }

  /** Resources in whatever state, those included that are being opened or closed. */
  get taken(): number {
    return this.#taken;
  }

  /** Whether nobody has anything, or waits for a permit. */
  get over(): boolean {
    return this.#taken === 0 && !(this.#permits?.awaited ?? false);
  }

  get left(): number {
    return Math.max(0, this.#max - this.#taken);
  }

  attemptsLeft(nowMs: number): number {
    return this.attempts.left(nowMs);
  }

  /** Whether there is no room for one more. */
  get full(): boolean {
    return this.#taken >= this.#max;
  }

  join(member: GroupMember): void {
    this.#members.add(member);
  }

  /** `member` has nothing any more, and wants nothing. */
  leave(member: GroupMember): void {
    this.#members.delete(member);
    this.#refused.delete(member);
    this.#permits?.leave(member);
  }

  /** More is to be had at once. With less, idle resources go now and the others as they come back. */
  changeMax(max: number, nowMs: number): void {
    this.#max = max;
    this.#reclaim(() => this.#taken - this.#closing() > max);
    this.#offer(nowMs);
  }

  /** Takes room for one more, and an attempt if `member` makes one. False: `member` is woken another time. */
  take(member: GroupMember, nowMs: number): boolean {
    if (this.#refused.size > 0) this.#offer(nowMs);
    if (this.#mayTake(member, nowMs) || this.#mayTakeAfterReclaim(member, nowMs)) {
      if (!this.#takePermit(member)) return false;
      this.#refused.delete(member);
      this.#taken += 1;
      if (member.attempts) this.attempts.begin(nowMs);
      return true;
    }
    return false;
  }

  /** An attempt succeeded; its room stays taken. */
  attemptSucceeded(nowMs: number): void {
    this.attempts.answered(nowMs);
    this.#offer(nowMs);
  }

  /**
   * An attempt failed, and its room is free.
   * @param limits null: the failure says nothing about the attempts of others
   */
  attemptFailed(
    member: GroupMember,
    nowMs: number,
    error: PoolerError,
    limits: PoolLimits | null,
  ): void {
    if (limits === null) this.attempts.answered(nowMs);
    else this.attempts.failed(nowMs, error, limits);
    this.freed(member, nowMs);
    // Those that waited for this outcome learn when the next attempt may start.
    if (limits === null) return;
    const refused = [...this.#refused];
    for (const other of refused) other.wake();
  }

  /** The room of a resource of `member` is free. */
  freed(member: GroupMember, nowMs: number): void {
    assert(this.#taken > 0, "what is freed was taken");
    this.#taken -= 1;
    this.#permits?.freed(member);
    this.#offer(nowMs);
  }

  /** Whether room is what `member` waits for, and not the end of an attempt. */
  lacksRoom(member: GroupMember): boolean {
    return this.full || this.awaitsPermit(member);
  }

  /** Whether `member` waits for what other processes have. */
  awaitsPermit(member: GroupMember): boolean {
    return this.#permits?.awaits(member) ?? false;
  }

  /** Whether others, in this process or another, lack what `member` has: `idle`, even if somebody waits for it there. */
  yields(member: GroupMember, idle: IdleResource, nowMs: number): boolean {
    if (this.#permits?.yields(member, idle, nowMs) === true) return true;
    return this.#yieldsToPool(member, idle, nowMs);
  }

  #yieldsToPool(member: GroupMember, idle: IdleResource, nowMs: number): boolean {
    if (this.#taken < this.#max) return false;
    const closing = this.#closing();
    if (this.#taken - closing > this.#max) return true;
    if (this.#refused.size === 0 || closing >= this.#lack(nowMs)) return false;
    const neediest = this.#neediest(nowMs);
    if (neediest === null || neediest === member) return false;
    if (member.waiting === 0) return true;
    if (member.held >= neediest.held + 2) return true;
    const isOlder = neediest.oldestWaitSinceMs < member.oldestWaitSinceMs;
    // What has just been opened is used for a while, or pools in need would only open and close.
    return neediest.held === 0 && isOlder && nowMs - idle.openedAtMs >= YOUNG_MS;
  }

  #mayTake(member: GroupMember, nowMs: number): boolean {
    return !this.full && this.#mayBegin(member, nowMs) && !this.awaitsPermit(member);
  }

  /** Who waits for a permit waits for room, too: there may be less of it when the permit comes. */
  #takePermit(member: GroupMember): boolean {
    if (this.#permits === null || this.#permits.take(member)) return true;
    if (this.#permits.awaits(member)) this.#refused.add(member);
    else this.#refused.delete(member);
    return false;
  }

  /** Whether room is all that it lacks. */
  #mayBegin(member: GroupMember, nowMs: number): boolean {
    return !member.attempts || this.attempts.mayBegin(nowMs);
  }

  /** What is idle elsewhere is closed for it, and may be closed by then. */
  #mayTakeAfterReclaim(member: GroupMember, nowMs: number): boolean {
    this.#refused.add(member);
    if (this.#reclaimForRefused(nowMs) && this.#mayTake(member, nowMs)) return true;
    // It may have been offered room meanwhile, which it can't take before it is back here, and others could.
    this.#refused.add(member);
    return false;
  }

  /** Retires what is idle, the longest first, while `wanted` says so. Returns whether there was any. */
  #reclaim(wanted: () => boolean): boolean {
    let any = false;
    while (wanted()) {
      const from = this.#longestIdle();
      if (from === null) return any;
      from.retireOldest();
      any = true;
    }
    return any;
  }

  /** Serves those that were refused, one after the other, as far as there is anything to be had. */
  #offer(nowMs: number): void {
    if (this.#offering || this.#refused.size === 0) return;
    this.#offering = true;
    try {
      while (this.#serveOne(nowMs) || this.#reclaimForRefused(nowMs));
    } finally {
      this.#offering = false;
    }
  }

  #serveOne(nowMs: number): boolean {
    const next = this.#next(nowMs);
    if (next === null) return false;
    this.#refused.delete(next);
    next.wake();
    return true;
  }

  #reclaimForRefused(nowMs: number): boolean {
    return this.full && this.#reclaim(() => this.#closing() < this.#lack(nowMs));
  }

  /** Who is served next, or null if nobody can be. */
  #next(nowMs: number): GroupMember | null {
    if (this.full) return null;
    let next: GroupMember | null = null;
    for (const member of this.#refused)
      if (this.#mayTake(member, nowMs) && (next === null || isNeedier(member, next))) next = member;
    return next;
  }

  #neediest(nowMs: number): GroupMember | null {
    let neediest: GroupMember | null = null;
    for (const member of this.#refused)
      if (member.waiting > 0 && this.#mayBegin(member, nowMs))
        if (neediest === null || isNeedier(member, neediest)) neediest = member;
    return neediest;
  }

  #longestIdle(): GroupMember | null {
    let longest: GroupMember | null = null;
    for (const member of this.#members)
      if (member.oldestIdleSinceMs < (longest?.oldestIdleSinceMs ?? Number.POSITIVE_INFINITY))
        longest = member;
    return longest;
  }

  #closing(): number {
    let closing = 0;
    for (const member of this.#members) closing += member.closing;
    return closing;
  }

  /** How many resources are waited for in vain. What is only to be kept open doesn't count. */
  #lack(nowMs: number): number {
    let lack = 0;
    for (const member of this.#refused)
      if (this.#mayBegin(member, nowMs)) lack += Math.min(member.wanted, member.waiting);
    return lack;
  }
}

function isNeedier(one: GroupMember, other: GroupMember): boolean {
  if (one.waiting === 0 || other.waiting === 0) return one.waiting > 0 && other.waiting === 0;
  if (one.held !== other.held) return one.held < other.held;
  return one.oldestWaitSinceMs < other.oldestWaitSinceMs;
}

/**
 * Lends resources to waiters, strictly first come, first served, and never has more of them than its
 * size. Modelled on jackc/puddle: it knows nothing of PostgreSQL, opens and closes nothing itself,
 * and every verb checks the state of the resource it is given. A verb records what happened; what
 * follows from it is done one thing at a time by {@link Settling}, so that callbacks may call any verb.
 */

import { assert } from "../base/assert.ts";
import type { Clock } from "../base/clock.ts";
import type { PoolerError } from "../base/pooler-error.ts";
import type { Random } from "../base/random.ts";
import type { GroupMember } from "./group-member.ts";
import { withJitter } from "./jitter.ts";
import { OpeningPlan } from "./opening-plan.ts";
import type { PoolCounts } from "./pool-counts.ts";
import type { PoolGroup } from "./pool-group.ts";
import { assertPoolLimits, type LendingOrder, type PoolLimits } from "./pool-limits.ts";
import type { OpenFailure, PoolOptions, PoolOwner } from "./pool-owner.ts";
import type { PoolResource, PoolSlot } from "./pool-slot.ts";
import { Refusals } from "./refusals.ts";
import { Settling, type Unsettled } from "./settling.ts";
import { SlotTable } from "./slot-table.ts";
import type { Waiter } from "./waiter.ts";
import { WaitingLine } from "./waiting-line.ts";

/** A tenth off at most: resources opened in one second end over six minutes of an hour's lifetime. */
const LIFETIME_SPREAD = 0.1;

export class Pool<R extends PoolResource<R>> implements PoolCounts, GroupMember, Unsettled {
  /** Whatever it lacks, it has to open. */
  readonly attempts = true;
  readonly name: string;
  scarce = false;
  readonly #clock: Clock;
  readonly #random: Random;
  readonly #owner: PoolOwner<R>;
  readonly #group: PoolGroup;
  readonly #plan: OpeningPlan<R>;
  readonly #refusals: Refusals<R>;
  readonly #slots: SlotTable<R>;
  readonly #waiters = new WaitingLine<R>();
  readonly #settling: Settling;
  #limits: PoolLimits;
  #paused = false;
  #closedWith: PoolerError | null = null;

  constructor(options: PoolOptions<R>) {
    assertPoolLimits(options.limits);
    this.name = options.name;
    this.#clock = options.clock;
    this.#random = options.random;
    this.#owner = options.owner;
    this.#limits = options.limits;
    this.#slots = new SlotTable(options.limits.idleTimeoutMs, options.clock.now());
    this.#group = options.group;
    this.#refusals = new Refusals(this.#slots, options.group, this);
    this.#plan = new OpeningPlan(
      this.#slots,
      this.#waiters,
      this.#refusals,
      options.group,
      options.random,
    );
    this.#settling = new Settling(options.ticker, this);
    options.group.join(this);
  }

  get size(): number {
    return this.#limits.size;
  }

  get reserve(): number {
    return this.#limits.reserve;
  }

  get usesReserve(): boolean {
    return this.#plan.usesReserve(this.#limits, this.#clock.now());
  }

  get opening(): number {
    return this.#slots.opening;
  }

  get idle(): number {
    return this.#slots.idle;
  }

  get active(): number {
    return this.#slots.active;
  }

  get closing(): number {
    return this.#slots.closing;
  }

  get waiting(): number {
    return this.#waiters.size;
  }

  /** Slots in use, in whatever state. Once a closed pool has none, it is over. */
  get taken(): number {
    return this.#slots.taken;
  }

  get held(): number {
    return this.#slots.opening + this.#slots.living;
  }

  get oldestWaitSinceMs(): number {
    return this.#waiters.oldestSinceMs;
  }

  get oldestIdleSinceMs(): number {
    // What has just come free is the first waiter's, who is about to be told.
    if (this.#waiters.size > 0 && this.#lends) return Number.POSITIVE_INFINITY;
    return this.#slots.leastRecent?.sinceMs ?? Number.POSITIVE_INFINITY;
  }

  get wanted(): number {
    return this.#lends ? this.#plan.wanted(this.#limits, this.#clock.now()) : 0;
  }

  /** Whether it lends nothing for now. */
  get paused(): boolean {
    return this.#paused;
  }

  /** Why the latest attempt failed; null once one has succeeded. */
  get openError(): PoolerError | null {
    return this.#refusals.openError;
  }

  /** How long the first waiter has waited by now, in milliseconds; 0 if nobody waits. */
  get oldestWaitMs(): number {
    const first = this.#waiters.first;
    return first === null ? 0 : this.#clock.now() - first.waitingSinceMs;
  }

  /**
   * Lends an idle resource at once, the one that `waiter` prefers or else the next in the lending order.
   * Returns null if there is none or others wait already: then `waiter` stands in the queue, and is
   * told by `onGranted` or `onRefused`, perhaps before this returns.
   */
  acquire(waiter: Waiter<R>): R | null {
    assert(waiter.queue === null, "a waiter waits once at a time");
    const nowMs = this.#clock.now();
    const isNext = this.#waiters.size === 0 && this.#lends;
    const slot = isNext ? this.#slots.pick(waiter, this.#lendingOrder) : null;
    if (slot !== null) return this.#lend(slot, nowMs);
    this.#waiters.join(waiter, nowMs);
    this.#settling.run(nowMs);
    return null;
  }

  /** `waiter`, which waits, no longer wants a resource. It is told nothing. */
  forget(waiter: Waiter<R>): void {
    this.#waiters.leave(waiter);
  }

  /** An attempt succeeded: `resource` goes to the first waiter, or rests. */
  opened(resource: R): void {
    const { slot } = resource;
    assert(slot.pool === null, "a resource is opened once");
    const nowMs = this.#clock.now();
    slot.openedAtMs = nowMs;
    slot.expiresAtMs = nowMs + withJitter(this.#random, this.#limits.lifetimeMs, LIFETIME_SPREAD);
    this.#slots.enter(slot, "idle", nowMs);
    slot.pool = this;
    this.#refusals.opened();
    this.#plan.backoff.succeeded();
    this.#group.attemptSucceeded(nowMs);
    this.#settling.run(nowMs);
  }

  /**
   * An attempt failed, and nothing of it is left open: its slot is free. Where trying again won't help and
   * nothing is alive, all who wait now are refused with `error`; in any other case there is another attempt
   * after a pause, for as long as anyone waits.
   */
  openFailed(error: PoolerError, failure: OpenFailure): void {
    this.#slots.endAttempt();
    const nowMs = this.#clock.now();
    this.#refusals.openFailed(error);
    if (failure === "shared") this.#plan.backoff.succeeded();
    else this.#plan.backoff.failed(nowMs, this.#limits);
    if (failure === "permanent" && this.#slots.living === 0) {
      this.#refusals.refuseUpTo(this.#waiters.lastTicket);
      this.#plan.backoff.answered();
    }
    this.#group.attemptFailed(this, nowMs, error, failure === "shared" ? this.#limits : null);
    this.#settling.run(nowMs);
  }

  /** An active `resource` comes back, clean: to the first waiter, or to rest. */
  release(resource: R): void {
    const slot = this.#ownSlot(resource);
    assert(slot.state === "active", "only an active resource is released");
    const nowMs = this.#clock.now();
    this.#slots.enter(slot, "idle", nowMs);
    this.#settling.run(nowMs);
  }

  /** The owner is closing `resource`, active or idle. Its slot stays taken until it is `gone`. */
  discard(resource: R): void {
    const nowMs = this.#clock.now();
    this.#slots.enter(this.#ownSlot(resource), "closing", nowMs);
    this.#settling.run(nowMs);
  }

  /** `resource` is really closed, whatever its state was: its slot is free. */
  gone(resource: R): void {
    const nowMs = this.#clock.now();
    this.#slots.enter(this.#ownSlot(resource), "gone", nowMs);
    this.#group.freed(this, nowMs);
    this.#settling.run(nowMs);
  }

  /**
   * A larger size takes effect at once. With a smaller one the surplus is retired: idle resources
   * now, active ones as they come back. Until then `taken` is above `size`, and nothing is opened.
   */
  resize(size: number): void {
    this.changeLimits({ ...this.#limits, size });
  }

  /** As {@link resize}, for all limits: they hold at once for all but the lifetime of what is open already. */
  changeLimits(limits: PoolLimits): void {
    assertPoolLimits(limits);
    this.#limits = limits;
    this.#slots.changeIdleTimeout(limits.idleTimeoutMs);
    this.#settling.run(this.#clock.now());
  }

  spare(beforeMs: number): number {
    return this.#waiters.size > 0 && this.#lends ? 0 : this.#slots.restedSince(beforeMs);
  }

  retireOldest(): void {
    const slot = this.#slots.leastRecent;
    assert(slot !== null, "an idle resource is there to be retired");
    const nowMs = this.#clock.now();
    this.#retire(slot, nowMs);
    this.#settling.run(nowMs);
  }

  /** Also opens what is to be kept open, though nobody has asked for a resource yet. */
  wake(): void {
    this.#settling.run(this.#clock.now());
  }

  /** Lends nothing until it is resumed, and retires what it has as {@link close} does. Who waits, waits on. */
  pause(): void {
    this.#paused = true;
    this.#settling.run(this.#clock.now());
  }

  /** Lends again. The time of those who wait begins anew. */
  resume(): void {
    if (!this.#paused) return;
    const nowMs = this.#clock.now();
    this.#paused = false;
    this.#refusals.resumed(nowMs);
    this.#settling.run(nowMs);
  }

  /** Retires what is idle now: better ones are to be opened from here on. */
  retireIdle(): void {
    const nowMs = this.#clock.now();
    for (let slot = this.#slots.leastRecent; slot !== null; slot = this.#slots.leastRecent)
      this.#retire(slot, nowMs);
    this.#settling.run(nowMs);
  }

  /**
   * Lends nothing any more: whoever waits or asks is refused with `error`, and every resource is retired, idle
   * ones now, the others as they come back. `taken` is 0 when it is over. A second close changes nothing.
   */
  close(error: PoolerError): void {
    this.#closedWith ??= error;
    this.#settling.run(this.#clock.now());
  }

  /** For {@link Settling}. Retires before it grants, or a busy pool would never shrink; grants before it refuses. */
  settleOne(nowMs: number): boolean {
    return (
      this.#retireOne(nowMs) ||
      this.#grantFirst(nowMs) ||
      this.#refuseFirst(nowMs) ||
      this.#openOne(nowMs)
    );
  }

  /** For {@link Settling}. */
  nextDueMs(nowMs: number): number | null {
    if (!this.#lends) return null;
    const limits = this.#limits;
    const { first } = this.#waiters;
    let dueMs = Math.min(this.#slots.idleDueMs, this.#plan.retryDueMs(limits, nowMs));
    if (first !== null) dueMs = Math.min(dueMs, this.#refusals.dueMs(first, limits, nowMs));
    const reserveDueMs = this.#plan.reserveDueMs(limits);
    return nowMs < reserveDueMs ? Math.min(dueMs, reserveDueMs) : dueMs;
  }

  #retireOne(nowMs: number): boolean {
    const keepsResting = this.#lends && this.#slots.living <= this.#limits.sizeMin;
    const slot = this.#surplus(nowMs) ?? this.#slots.findOverdue(nowMs, keepsResting);
    if (slot === null) return false;
    this.#retire(slot, nowMs);
    return true;
  }

  #retire(slot: PoolSlot<R>, nowMs: number): void {
    this.#slots.enter(slot, "closing", nowMs);
    this.#owner.retire(slot.resource);
  }

  /** An idle slot more than the pool should have, or null. The reserve is kept while anybody waits. */
  #surplus(nowMs: number): PoolSlot<R> | null {
    const slot = this.#slots.leastRecent;
    if (slot === null) return null;
    const { size, reserve } = this.#limits;
    const wanted = this.#waiters.size > 0 ? size + reserve : size;
    if (this.held > (this.#lends ? wanted : 0)) return slot;
    return this.#group.yields(this, slot, nowMs) ? slot : null;
  }

  /** What others lack is used as little as can be, so that it is seen what can be spared. */
  get #lendingOrder(): LendingOrder {
    return this.scarce ? "lifo" : this.#limits.lendingOrder;
  }

  get #lends(): boolean {
    return this.#closedWith === null && !this.#paused;
  }

  #grantFirst(nowMs: number): boolean {
    const waiter = this.#waiters.first;
    if (waiter === null || this.#paused) return false;
    const slot = this.#slots.pick(waiter, this.#lendingOrder);
    if (slot === null) return false;
    this.#waiters.leave(waiter);
    waiter.onGranted(this.#lend(slot, nowMs));
    return true;
  }

  #lend(slot: PoolSlot<R>, nowMs: number): R {
    this.#slots.enter(slot, "active", nowMs);
    return slot.resource;
  }

  #refuseFirst(nowMs: number): boolean {
    const waiter = this.#waiters.first;
    if (waiter === null) return false;
    const error = this.#refusal(waiter, nowMs);
    if (error === null) return false;
    this.#waiters.leave(waiter);
    waiter.onRefused(error);
    return true;
  }

  /** Why `waiter` must not wait any longer, or null. */
  #refusal(waiter: Waiter<R>, nowMs: number): PoolerError | null {
    if (this.#closedWith !== null) return this.#closedWith;
    return this.#paused ? null : this.#refusals.of(waiter, this.#limits, nowMs);
  }

  #openOne(nowMs: number): boolean {
    if (!this.#lends || this.#plan.wanted(this.#limits, nowMs) === 0) return false;
    if (!this.#group.take(this, nowMs)) return false;
    this.#slots.beginAttempt();
    this.#owner.open();
    return true;
  }

  #ownSlot(resource: R): PoolSlot<R> {
    assert(resource.slot.pool === this, "the resource is this pool's");
    return resource.slot;
  }
}

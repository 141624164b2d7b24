/**
 * What one worker has of one pool's permits, and what it has said of its need, as the keeper knows it.
 */

import type { PermitOrder, PermitReport, YieldMode } from "../pool/permit-messages.ts";

/** A pool, as far as it matters to who has some of it. */
export interface PermitPool {
  readonly name: string;
  /** Whether it can give up any: what is lent to nobody is in use until it is closed. */
  readonly yields: boolean;
  /** Permits that somebody has. */
  readonly taken: number;
  readonly holders: readonly PermitHolder[];
  /** How many there may be for who waits, or has waited for long. */
  most(beyond: boolean): number;
}

/** What is asked of a worker that nothing is asked of. */
const AT_EASE = { cap: null, mode: "spare", watched: false } as const;

/** From the mildest on. */
const MODES: readonly YieldMode[] = ["spare", "grown", "any"];

export class PermitHolder {
  readonly worker: number;
  readonly pool: PermitPool;
  /** Permits that it has, as far as it has not said otherwise. */
  held = 0;
  wanted = 0;
  waiting = 0;
  /** Since when its first waiter waits; Infinity: nobody does. */
  sinceMs = Number.POSITIVE_INFINITY;
  /** Its first waiter may use the reserve. */
  beyond = false;
  /** Permits that come back without being asked for. */
  closing = 0;
  spare = 0;
  /** Since when the first spare one has rested; Infinity: none has. */
  restedSinceMs = Number.POSITIVE_INFINITY;
  /** Permits that are asked back. */
  recalled = 0;
  /** How. */
  mode: YieldMode = AT_EASE.mode;
  watched = false;
  /** Permits that it was ever granted. */
  #total = 0;
  /** Those that it has yet to be told of. */
  #granted = 0;
  #toldCap: number | null = AT_EASE.cap;
  #toldMode: YieldMode = AT_EASE.mode;
  #toldWatched: boolean = AT_EASE.watched;

  constructor(worker: number, pool: PermitPool) {
    this.worker = worker;
    this.pool = pool;
  }

  /** Permits that it will keep, of those that it could give up. */
  get kept(): number {
    return this.pool.yields ? this.held - this.closing - this.recalled : 0;
  }

  /** Spare ones that nobody has asked for yet. */
  get spareLeft(): number {
    return Math.min(this.spare - this.recalled, this.kept);
  }

  /** Permits that clients wait for; others are to be kept open only. */
  get lack(): number {
    return Math.min(this.wanted, this.waiting);
  }

  /** Whether nothing is left to be known of it. */
  get over(): boolean {
    return this.held === 0 && this.wanted === 0;
  }

  report(report: PermitReport, nowMs: number): void {
    const { heard, wanted, waiting, waitedMs, beyond, closing, spare, restedMs } = report;
    const onTheirWay = Math.max(0, this.#total - heard);
    this.wanted = Math.max(0, wanted - onTheirWay);
    this.waiting = Math.max(0, waiting - onTheirWay);
    this.sinceMs = waiting > 0 ? nowMs - waitedMs : Number.POSITIVE_INFINITY;
    this.beyond = beyond;
    this.closing = Math.min(closing, this.held);
    this.spare = spare;
    this.restedSinceMs = spare > 0 ? nowMs - restedMs : Number.POSITIVE_INFINITY;
  }

  /** One more is its own. */
  grant(): void {
    this.held += 1;
    this.wanted -= 1;
    this.waiting = Math.max(0, this.waiting - 1);
    this.#granted += 1;
    this.#total += 1;
  }

  /** So many are no longer its own: those first of which it was known that they come back. */
  returned(count: number): void {
    this.held -= count;
    this.closing = Math.max(0, this.closing - count);
  }

  /** One is asked back, at least as `mode` says. */
  recall(mode: YieldMode): void {
    this.recalled += 1;
    if (MODES.indexOf(mode) > MODES.indexOf(this.mode)) this.mode = mode;
  }

  /** Nothing is asked of it, until something is again. */
  clearRecalls(): void {
    this.recalled = 0;
    this.mode = AT_EASE.mode;
  }

  /** Returns what the worker does not know yet, which counts as told from now on; null: it knows all. */
  takeOrder(group: string): PermitOrder | null {
    const { mode, watched } = this;
    const granted = this.#granted;
    const cap = this.recalled > 0 ? this.kept : null;
    const same = cap === this.#toldCap && mode === this.#toldMode && watched === this.#toldWatched;
    if (granted === 0 && same) return null;
    this.#granted = 0;
    this.#toldCap = cap;
    this.#toldMode = mode;
    this.#toldWatched = watched;
    const total = this.#total;
    return { group, pool: this.pool.name, total, granted, cap, mode, watched };
  }
}

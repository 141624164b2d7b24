/**
 * Coarse alarms for very many owners: a wheel of buckets, one timer for all of them.
 * A turn touches the alarms that are due and no others, so 20 000 quiet pools cost nothing. Setting
 * an alarm that is set for earlier already is one comparison, so it may be done per transaction.
 */

import { assert } from "../base/assert.ts";
import type { Clock, Timer } from "../base/clock.ts";
import { type FifoLinks, FifoQueue } from "../base/fifo-queue.ts";

/** PgBouncer's maintenance runs every 333 ms; a third of it shows in no timeout that people set. */
const RESOLUTION_MS = 100;
/** A round of the wheel takes 102 s. An alarm beyond that is looked at once a round. */
const BUCKETS = 1024;

/** One per owner, set again and again. It rings once per setting. */
export class Alarm implements FifoLinks<Alarm> {
  readonly onRing: (nowMs: number) => void;
  /** When it rings, by the ticker's clock; Infinity while it is not set. Written by the ticker. */
  atMs = Number.POSITIVE_INFINITY;
  /** The tick it is filed under, meaningful while it is set. Written by the ticker. */
  tick = 0;
  queue: object | null = null;
  previous: Alarm | null = null;
  next: Alarm | null = null;

  constructor(onRing: (nowMs: number) => void) {
    this.onRing = onRing;
  }
}

export interface TickerOptions {
  readonly clock: Clock;
  /** Told what an alarm's callback threw, while the other alarms ring on. Must not throw. */
  readonly onFault: (error: unknown) => void;
}

export class Ticker {
  readonly #clock: Clock;
  readonly #onFault: (error: unknown) => void;
  readonly #buckets: readonly FifoQueue<Alarm>[];
  /** Every bucket up to this tick has rung. */
  #rungTick = 0;
  #alarmsSet = 0;
  #timer: Timer | null = null;

  constructor(options: TickerOptions) {
    this.#clock = options.clock;
    this.#onFault = options.onFault;
    this.#buckets = Array.from({ length: BUCKETS }, () => new FifoQueue<Alarm>());
  }

  /** The present, by the clock that alarms are set by. */
  get nowMs(): number {
    return this.#clock.now();
  }

  /** How many alarms are set. With none there is no timer either. */
  get alarmsSet(): number {
    return this.#alarmsSet;
  }

  /**
   * Sees to it that `alarm` rings at `atMs` or up to 100 ms later, never before. If it is set for
   * an earlier time, that stays: its owner then looks what is due and sets it again.
   */
  ringBy(alarm: Alarm, atMs: number): void {
    if (atMs >= alarm.atMs) return;
    this.silence(alarm);
    alarm.atMs = atMs;
    if (this.#timer === null) this.#start();
    this.#file(alarm);
  }

  /** Unsets `alarm`. A no-op if it is not set. */
  silence(alarm: Alarm): void {
    if (alarm.queue === null) return;
    this.#bucket(alarm.tick).remove(alarm);
    this.#alarmsSet -= 1;
    alarm.atMs = Number.POSITIVE_INFINITY;
  }

  #file(alarm: Alarm): void {
    alarm.tick = Math.max(Math.ceil(alarm.atMs / RESOLUTION_MS), this.#rungTick + 1);
    this.#bucket(alarm.tick).push(alarm);
    this.#alarmsSet += 1;
  }

  #bucket(tick: number): FifoQueue<Alarm> {
    const bucket = this.#buckets[tick % BUCKETS];
    assert(bucket !== undefined, "every tick has a bucket");
    return bucket;
  }

  #start(): void {
    this.#rungTick = Math.floor(this.#clock.now() / RESOLUTION_MS);
    this.#startTimer();
  }

  #startTimer(): void {
    const delayMs = (this.#rungTick + 1) * RESOLUTION_MS - this.#clock.now();
    this.#timer = this.#clock.after(Math.max(delayMs, 0), () => this.#turn());
  }

  /** Rings the buckets of all ticks that passed, then sleeps until the next while any alarm is set. */
  #turn(): void {
    const nowMs = this.#clock.now();
    const nowTick = Math.floor(nowMs / RESOLUTION_MS);
    while (this.#rungTick < nowTick) {
      this.#rungTick += 1;
      this.#ringBucket(this.#bucket(this.#rungTick), nowMs);
    }
    if (this.#alarmsSet === 0) this.#timer = null;
    else this.#startTimer();
  }

  #ringBucket(bucket: FifoQueue<Alarm>, nowMs: number): void {
    for (let left = bucket.size; left > 0; left -= 1) {
      const alarm = bucket.shift();
      if (alarm === null) return;
      this.#alarmsSet -= 1;
      if (alarm.atMs > nowMs) this.#file(alarm);
      else this.#ring(alarm, nowMs);
    }
  }

  #ring(alarm: Alarm, nowMs: number): void {
    alarm.atMs = Number.POSITIVE_INFINITY;
    try {
      alarm.onRing(nowMs);
    } catch (error) {
      this.#onFault(error);
    }
  }
}

/**
 * Whether this process is near its memory limit: looked at once a second, never for a client. Above the
 * limit the system would kill it, or swap, and all clients would be lost; so new ones are refused before.
 */

import type { Clock, Timer } from "../base/clock.ts";
import type { Logger } from "../base/logger.ts";
import type { PoolerError } from "../base/pooler-error.ts";
import { MemoryShortageError } from "../edge/edge-errors.ts";

export interface MemoryWatchParts {
  readonly clock: Clock;
  readonly logger: Logger;
  /** What it may use. */
  readonly limitBytes: () => number;
  /** What it uses now: read from /proc, in some 6 µs. */
  readonly residentBytes: () => number;
  /** Frees what nobody uses any more. Takes milliseconds, more with a large heap. */
  readonly collectGarbage: () => void;
}

/** A login takes some kilobytes: in a second no burst of them uses up the tenth that is left. */
const INTERVAL_MS = 1000;

const REFUSE_ABOVE = 0.9;
/** Lower, so that one client more or less does not change the answer. */
const ACCEPT_BELOW = 0.85;

/** The runtime collects by what is allocated, and who refuses allocates nothing: so it is told to. */
const COLLECT_EVERY = 3;

export class MemoryWatch {
  readonly #parts: MemoryWatchParts;
  #timer: Timer | null = null;
  #shortage: PoolerError | null = null;
  /** Looks since garbage was collected last. */
  #looks = 0;

  constructor(parts: MemoryWatchParts) {
    this.#parts = parts;
  }

  /** Why no client can be taken now; null: there is memory. */
  get shortage(): PoolerError | null {
    return this.#shortage;
  }

  /** Looks now, and every second from now on. */
  start(): void {
    this.#look();
    this.#timer = this.#parts.clock.after(INTERVAL_MS, () => this.start());
  }

  stop(): void {
    this.#timer?.cancel();
    this.#timer = null;
  }

  #look(): void {
    const { logger } = this.#parts;
    const limitBytes = this.#parts.limitBytes();
    const isShort = this.#shortage !== null;
    const enoughBytes = limitBytes * (isShort ? ACCEPT_BELOW : REFUSE_ABOVE);
    const residentBytes = this.#residentBytes(enoughBytes);
    const fields = { residentBytes, limitBytes };
    if (residentBytes > enoughBytes) {
      this.#shortage = new MemoryShortageError(residentBytes, limitBytes);
      if (!isShort) logger.warn(fields, "short of memory: new clients are refused");
    } else if (isShort) {
      this.#shortage = null;
      logger.info(fields, "no longer short of memory: new clients are taken");
    }
  }

  /** What is used, without garbage where it would be too much. */
  #residentBytes(enoughBytes: number): number {
    const { residentBytes, collectGarbage } = this.#parts;
    const before = residentBytes();
    if (before <= enoughBytes) this.#looks = 0;
    else this.#looks += 1;
    if (this.#looks % COLLECT_EVERY !== 1) return before;
    collectGarbage();
    return residentBytes();
  }
}

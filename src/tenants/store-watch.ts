/**
 * Asks the store again and again whether anything has changed, for several processes that would ask it by themselves
 * else: where there is a worker for each of many cores, that is most of what an idle node does, and what its metadata
 * database has to answer.
 */

import type { Clock, Timer } from "../base/clock.ts";
import type { ChangeToken, TenantStore } from "./tenant-store.ts";

/** A change is to be seen by all within a second: four tries. */
export const LOOK_INTERVAL_MS = 250;

export interface StoreWatchParts {
  readonly store: Pick<TenantStore, "changeToken">;
  readonly clock: Clock;
  /** Something has changed, or may have: also called after the first answer. The next look waits for it. */
  readonly onChanged: () => Promise<unknown>;
}

export class StoreWatch {
  readonly #parts: StoreWatchParts;
  /** As of the last answer. */
  #token: ChangeToken | null = null;
  #timer: Timer | null = null;
  #stopped = false;

  constructor(parts: StoreWatchParts) {
    this.#parts = parts;
  }

  start(): void {
    if (this.#stopped) return;
    this.#timer = this.#parts.clock.after(LOOK_INTERVAL_MS, () => void this.#look());
  }

  stop(): void {
    this.#stopped = true;
    this.#timer?.cancel();
  }

  async #look(): Promise<void> {
    const token = await this.#ask();
    if (token !== null && token !== this.#token && !this.#stopped) {
      this.#token = token;
      await this.#parts.onChanged();
    }
    this.start();
  }

  /** Null: the store is away. Whoever reads from it says so. */
  async #ask(): Promise<ChangeToken | null> {
    try {
      return await this.#parts.store.changeToken();
    } catch {
      return null;
    }
  }
}

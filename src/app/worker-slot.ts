/**
 * The place of one worker: starts it, and starts it again when it has died.
 */

import type { Clock, Timer } from "../base/clock.ts";
import type { Logger } from "../base/logger.ts";
import { RestartDelay } from "./restart-delay.ts";
import type { SpawnedWorker } from "./worker-order.ts";

export interface WorkerSlotParts {
  readonly worker: number;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly spawn: () => SpawnedWorker;
  /** It has ended before it ever served: its next start would end so too. */
  readonly onStartFailed: (how: string) => void;
}

export class WorkerSlot {
  readonly #parts: WorkerSlotParts;
  readonly #delay = new RestartDelay();
  readonly #over = Promise.withResolvers<void>();
  #spawned: SpawnedWorker | null = null;
  #restart: Timer | null = null;
  #hasServed = false;
  #stopping = false;

  constructor(parts: WorkerSlotParts) {
    this.#parts = parts;
  }

  /** Resolves when the worker has ended and is not started again. */
  get over(): Promise<void> {
    return this.#over.promise;
  }

  /** Null where it has none of its own, or is not there now. */
  get processId(): number | null {
    return this.#spawned?.processId ?? null;
  }

  start(): void {
    const { clock, spawn } = this.#parts;
    const startedMs = clock.now();
    const spawned = spawn();
    this.#spawned = spawned;
    void spawned.exited.then((how) => this.#onExit(how, clock.now() - startedMs));
  }

  /** The worker serves clients: from now on, it is started again when it dies. */
  onReady(): void {
    this.#hasServed = true;
  }

  /** It is not started again. */
  expectEnd(): void {
    this.#stopping = true;
    this.#restart?.cancel();
    if (this.#spawned === null) this.#over.resolve();
  }

  /** Ends it at once. */
  kill(): void {
    this.#spawned?.kill();
  }

  #onExit(how: string, livedMs: number): void {
    const { clock, logger, worker, onStartFailed } = this.#parts;
    this.#spawned = null;
    if (this.#stopping) return this.#over.resolve();
    if (!this.#hasServed) return onStartFailed(how);
    const pauseMs = this.#delay.after(livedMs);
    logger.error({ worker, how, pauseMs }, "a worker has ended, and is started again");
    this.#restart = clock.after(pauseMs, () => this.start());
  }
}

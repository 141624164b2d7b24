/**
 * The place of one worker: starts it, ends it when it does not answer, and starts it again when it has died.
 */

import type { Clock, Timer } from "../../base/clock.ts";
import { errorMessage } from "../../base/error-message.ts";
import type { Logger } from "../../base/logger.ts";
import { RestartDelay } from "./restart-delay.ts";
import type { SpawnedWorker } from "./worker-order.ts";
import { WorkerPulse } from "./worker-pulse.ts";

export interface WorkerSlotParts {
  readonly worker: number;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly spawn: () => SpawnedWorker;
  /** Resolves with the worker's answer; rejects where there is none, or no way to it. */
  readonly ask: () => Promise<unknown>;
  /** How long a worker that serves may be silent, in milliseconds; 0: for ever. */
  readonly timeoutMs: () => number;
  /** It has ended before it ever served: its next start would end so too. */
  readonly onStartFailed: (how: string) => void;
}

/** From here on it is more than bad luck. */
const LONG_PAUSE_MS = 1000;

const ENDED = "a worker has ended, and is started again";
const KEEPS_ENDING =
  "a worker has ended, and is started again after a pause, for it keeps ending soon after its start: " +
  "what it has logged before says why; its tenants wait, those of other workers are served";
const SILENT =
  "a worker does not answer, and is ended by SIGKILL: it was stopped, or something in it runs without an end";

export class WorkerSlot {
  readonly #parts: WorkerSlotParts;
  readonly #pulse: WorkerPulse;
  readonly #delay = new RestartDelay();
  readonly #over = Promise.withResolvers<void>();
  #spawned: SpawnedWorker | null = null;
  #restart: Timer | null = null;
  #hasServed = false;
  #stopping = false;

  constructor(parts: WorkerSlotParts) {
    this.#parts = parts;
    const { clock, ask, timeoutMs } = parts;
    const onSilent = (silentMs: number): void => this.#onSilent(silentMs);
    this.#pulse = new WorkerPulse({ clock, ask, timeoutMs, onSilent });
  }

  /** Resolves when the worker has ended and is not started again. */
  get over(): Promise<void> {
    return this.#over.promise;
  }

  /** Null where it has none of its own, or is not there now. */
  get processId(): number | null {
    return this.#spawned?.processId ?? null;
  }

  /** Where no process can be started, that counts as its end. */
  start(): void {
    const { clock, spawn } = this.#parts;
    const startedMs = clock.now();
    try {
      const spawned = spawn();
      this.#spawned = spawned;
      if (spawned.processId !== null) this.#pulse.started(); // else it stands still with this one
      void spawned.exited.then((how) => this.#onExit(how, clock.now() - startedMs));
    } catch (error) {
      this.#onExit(errorMessage(error), 0);
    }
  }

  /** The worker serves clients: from now on, it is started again when it dies. */
  onReady(): void {
    this.#hasServed = true;
    this.#pulse.serves();
  }

  /** The link to it is gone: if it does not end now, it is ended. */
  onLost(): void {
    this.#pulse.lost();
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
    this.#pulse.ended();
    if (this.#stopping) return this.#over.resolve();
    if (!this.#hasServed) return onStartFailed(how);
    const pauseMs = this.#delay.after(livedMs);
    logger.error({ worker, how, pauseMs }, pauseMs < LONG_PAUSE_MS ? ENDED : KEEPS_ENDING);
    this.#restart = clock.after(pauseMs, () => this.start());
  }

  #onSilent(silentMs: number): void {
    const { logger, worker } = this.#parts;
    logger.error({ worker, silentMs, processId: this.processId ?? undefined }, SILENT);
    this.kill();
  }
}

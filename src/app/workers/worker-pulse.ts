/**
 * Asks one worker again and again whether its event loop turns, and tells when it does not: stopped by a signal, in
 * an endless loop, or stuck in its start.
 * Silence is counted in looks of this process, not by the clock: where this process, or the machine, stood still
 * itself, that was one look, and nobody is ended for it. On a machine that is short of time, looks are rare, too.
 */

import type { Clock, Timer } from "../../base/clock.ts";

export interface WorkerPulseParts {
  readonly clock: Clock;
  /** How long a worker that serves may be silent, in milliseconds; 0: for ever. */
  readonly timeoutMs: () => number;
  /** Resolves with the worker's answer; rejects where there is none, or no way to it. */
  readonly ask: () => Promise<unknown>;
  /** It has been silent for so long: told once. */
  readonly onSilent: (silentMs: number) => void;
}

const LOOK_MS = 1000;

/** Longer than all of them together have at the start of the node, which says better what is wrong. */
const START_LOOKS_MAX = 40;

/** Its link is gone, and so it is about to end; closing a store takes its time. */
const LOST_LOOKS_MAX = 5;

type Phase = "none" | "starting" | "serving" | "lost";

export class WorkerPulse {
  readonly #parts: WorkerPulseParts;
  #phase: Phase = "none";
  #timer: Timer | null = null;
  #silentLooks = 0;
  /** What was asked has not been answered yet. */
  #asking = false;

  constructor(parts: WorkerPulseParts) {
    this.#parts = parts;
  }

  /** Its process has been started. */
  started(): void {
    this.#enter("starting");
    this.#lookAgain();
  }

  /** It serves clients. */
  serves(): void {
    if (this.#phase === "starting") this.#enter("serving");
  }

  /** Its link is gone while its process is there: it ends, or it can't be asked any more. */
  lost(): void {
    if (this.#phase === "serving") this.#enter("lost");
  }

  /** Its process has ended. */
  ended(): void {
    this.#enter("none");
    this.#timer?.cancel();
  }

  #enter(phase: Phase): void {
    this.#phase = phase;
    this.#silentLooks = 0;
  }

  #lookAgain(): void {
    this.#timer = this.#parts.clock.after(LOOK_MS, () => this.#look());
  }

  #look(): void {
    this.#silentLooks += 1;
    if (this.#silentLooks > this.#looksMax)
      return this.#parts.onSilent(this.#silentLooks * LOOK_MS);
    if (this.#phase === "serving" && !this.#asking) void this.#ask();
    this.#lookAgain();
  }

  get #looksMax(): number {
    if (this.#phase === "starting") return START_LOOKS_MAX;
    if (this.#phase === "lost") return LOST_LOOKS_MAX;
    const timeoutMs = this.#parts.timeoutMs();
    return timeoutMs === 0 ? Number.POSITIVE_INFINITY : Math.ceil(timeoutMs / LOOK_MS);
  }

  async #ask(): Promise<void> {
    this.#asking = true;
    try {
      await this.#parts.ask();
      if (this.#phase === "serving") this.#silentLooks = 0;
    } catch {
      // It is as silent as before, and is asked again.
    }
    this.#asking = false;
  }
}

/**
 * Time as an argument. `app/` builds the real one; tests and the simulation run their own.
 */

/** A pending callback of {@link Clock.after}. */
export interface Timer {
  /** Forgets the callback. A no-op once it has run or been cancelled. */
  cancel(): void;
}

export interface Clock {
  /** Milliseconds since an arbitrary start. Never goes back. */
  now(): number;
  /** Runs `callback` once, `delayMs` milliseconds from now. Not for the hot path: one timer a call. */
  after(delayMs: number, callback: () => void): Timer;
}

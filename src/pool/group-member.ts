/**
 * A pool as its group sees it: what it has, what it lacks, and what it may be asked to do.
 */

export interface GroupMember {
  /** Resources that it has, or is about to have: opening, idle and active. */
  readonly held: number;
  /** Those no longer lent and not yet closed. */
  readonly closing: number;
  /** Who waits for one. */
  readonly waiting: number;
  /** When the first of those began to wait; Infinity if nobody does. */
  readonly oldestWaitSinceMs: number;
  /** Since when the one that is idle for longest is so; Infinity if none is, or somebody waits for it. */
  readonly oldestIdleSinceMs: number;
  /** Whether it lacks an attempt to open one, and not just a place for what somebody else opens. */
  readonly attempts: boolean;
  /** How many more it would take now. */
  readonly wanted: number;
  /** Retires the resource that is idle for longest. */
  retireOldest(): void;
  /** What it was refused may be had now, or what it has is wanted elsewhere. */
  wake(): void;
}

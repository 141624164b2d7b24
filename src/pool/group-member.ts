/**
 * A pool as its group sees it: what it has, what it lacks, and what it may be asked to do.
 */

export interface GroupMember {
  /** Of its pool, by which the keeper of permits knows it; "": it belongs to none. */
  readonly name: string;
  /** Resources at most; Infinity: no limit of its own. */
  readonly size: number;
  /** Beyond `size`, for who has waited for long. */
  readonly reserve: number;
  /** Whether somebody has waited for so long. */
  readonly usesReserve: boolean;
  /** Others lack what it has: the fewer it uses, the more it can give up. Written by the keeper's ledger. */
  scarce: boolean;
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
  /** Returns how many are idle since `beforeMs` or longer, and nobody waits for them. */
  spare(beforeMs: number): number;
  /** Retires the resource that is idle for longest. */
  retireOldest(): void;
  /** What it was refused may be had now, or what it has is wanted elsewhere. */
  wake(): void;
}

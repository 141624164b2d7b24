/**
 * What a worker of a node and the keeper of its permits tell each other. A permit is the right to have one
 * resource of a pool; what belongs to no pool has the name "", and counts among all of its group only.
 *
 * Each message says how things stand, not what has changed, but for permits themselves, which are counted: so
 * messages must come in order, and each once.
 */

/** Limits of a pool and its group, as one record of theirs has them. Null: none. */
export interface PermitLimits {
  readonly size: number | null;
  /** Beyond `size`, for who has waited for long. */
  readonly reserve: number;
  /** Over all pools of the group. */
  readonly max: number | null;
  /** Of the record; the greatest text is the newest one. */
  readonly revision: string;
}

/** How a pool stands at one worker. */
export interface PermitReport {
  readonly group: string;
  readonly pool: string;
  readonly limits: PermitLimits;
  /** Permits that it has ever been granted, as far as it has heard: others are on their way. */
  readonly heard: number;
  /** Permits that it would use at once. */
  readonly wanted: number;
  /** Who waits for a resource; of `wanted`, what goes beyond is only to be kept open. */
  readonly waiting: number;
  /** How long the first of those has waited. */
  readonly waitedMs: number;
  /** It has waited so long that the reserve is there for it. */
  readonly beyond: boolean;
  /** Resources that are being closed: their permits come back. */
  readonly closing: number;
  /** Resources that nobody has used for a while. */
  readonly spare: number;
  /** How long the first of those has rested. */
  readonly restedMs: number;
}

/**
 * Which resources a worker gives up that has more than its cap:
 *  - `spare`: those that nobody has used for a while, if nobody waits there either
 *  - `grown`: what is idle or comes back, unless it has just been opened
 *  - `any`: what is idle or comes back
 */
export type YieldMode = "spare" | "grown" | "any";

/** What a worker is given, and what is asked of it. */
export interface PermitOrder {
  readonly group: string;
  readonly pool: string;
  /** Permits that it has ever been granted, these included. */
  readonly total: number;
  /** Permits beyond those that it has. */
  readonly granted: number;
  /** Resources that it may keep, those included that it is opening; null: all. */
  readonly cap: number | null;
  readonly mode: YieldMode;
  /** Others lack what this pool has: its spare resources are to be reported. */
  readonly watched: boolean;
}

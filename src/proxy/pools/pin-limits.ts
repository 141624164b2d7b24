/**
 * How many clients of a pool may keep a server for themselves.
 */

/** Most clients that are pinned, or about to be. */
export interface PinLimits {
  /** Over all owners of the tenant. */
  readonly max: number;
  /** Of those, at this one. */
  readonly here: number;
}

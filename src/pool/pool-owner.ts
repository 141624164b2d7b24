/**
 * Who opens and closes a pool's resources, and what else a pool is made of.
 */

import type { Clock } from "../base/clock.ts";
import type { Random } from "../base/random.ts";
import type { PoolGroup } from "./pool-group.ts";
import type { PoolLimits } from "./pool-limits.ts";
import type { Ticker } from "./ticker.ts";

/** Both may call any verb of the pool, and must not throw. */
export interface PoolOwner<R> {
  /** Starts one attempt. Its end, soon or late, is one call of `opened` or `openFailed`. */
  open(): void;
  /** The pool lends `resource` no more: close it, and call `gone` once it is really closed. */
  retire(resource: R): void;
}

export interface PoolOptions<R> {
  readonly clock: Clock;
  readonly ticker: Ticker;
  readonly random: Random;
  readonly limits: PoolLimits;
  readonly owner: PoolOwner<R>;
  /** No two pools of the group have the same, unless one of them is being closed. Not "". */
  readonly name: string;
  /** Who else has a share in the same resources. */
  readonly group: PoolGroup;
}

/** Why an attempt failed, as far as it matters to others. */
export type OpenFailure =
  /** Trying again won't help: wrong password, no such database. */
  | "permanent"
  /** This pool's attempts fail, others' may not. */
  | "own"
  /** All attempts of the group lead to where it failed. */
  | "shared";

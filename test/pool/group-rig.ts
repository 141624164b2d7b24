/**
 * Several pools of one group, with one clock. Each opens and closes only when the test says so.
 */

import { PoolGroup } from "../../src/pool/pool-group.ts";
import type { PoolLimits } from "../../src/pool/pool-limits.ts";
import type { AttemptLimits } from "../../src/pool/shared-attempts.ts";
import { FakeClock } from "../support/fake-clock.ts";
import { constantRandom, Rig } from "./rig.ts";

const NEVER = Number.POSITIVE_INFINITY;

export interface GroupRigOptions {
  readonly max?: number;
  readonly pools: number;
  readonly limits?: Partial<PoolLimits>;
  readonly attempts?: Partial<AttemptLimits>;
}

export class GroupRig {
  readonly clock = new FakeClock();
  readonly group: PoolGroup;
  readonly rigs: readonly Rig[];

  constructor({ max = NEVER, pools, limits = {}, attempts = {} }: GroupRigOptions) {
    const random = constantRandom(0);
    this.group = new PoolGroup(
      max,
      { unprovenAttemptsMax: NEVER, failFastAfterMs: NEVER, ...attempts },
      random,
    );
    this.rigs = Array.from(
      { length: pools },
      () => new Rig(limits, random, { group: this.group, clock: this.clock }),
    );
  }

  rig(index: number): Rig {
    const rig = this.rigs[index];
    if (rig === undefined) throw new Error(`there is no pool ${index}`);
    return rig;
  }

  /** Attempts under way in each pool. */
  get opening(): number[] {
    return this.rigs.map(({ pool }) => pool.opening);
  }

  /** Servers of each pool, in whatever state. */
  get taken(): number[] {
    return this.rigs.map(({ pool }) => pool.taken);
  }
}

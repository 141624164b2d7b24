/**
 * What every verb that does something needs of the machine: time, randomness, and where it was started.
 */

import type { Clock } from "../base/clock.ts";
import type { Random } from "../base/random.ts";
import type { WallClock } from "../base/wall-clock.ts";
import { SystemClock } from "./system/system-clock.ts";
import { SystemRandom } from "./system/system-random.ts";
import { SystemWallClock } from "./system/system-wall-clock.ts";

export interface ProgramParts {
  /** Relative paths begin here. Absolute itself. */
  readonly workingDirectory: string;
  readonly clock: Clock;
  readonly wallClock: WallClock;
  readonly random: Random;
}

/** Returns the machine's own. */
export function programParts(workingDirectory: string): ProgramParts {
  return {
    workingDirectory,
    clock: new SystemClock(),
    wallClock: new SystemWallClock(),
    random: new SystemRandom(),
  };
}

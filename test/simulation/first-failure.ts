/**
 * Schedules one after the other, until one breaks an invariant.
 */

import type { SabotageName } from "./sabotage.ts";
import { World } from "./world.ts";

export interface Failure {
  /** Repeats the schedule alone. */
  readonly seed: number;
  readonly trace: readonly string[];
  readonly message: string;
  readonly stack: string;
}

/** Runs the schedules of `seed`, `seed` + 1, … Returns the first that fails, or null. */
export function firstFailure(
  seed: number,
  schedules: number,
  broken: SabotageName | null = null,
): Failure | null {
  for (let index = 0; index < schedules; index += 1) {
    const world = new World(seed + index, broken);
    try {
      world.run();
    } catch (error) {
      const message = error instanceof Error ? error.message : String(error);
      const stack = error instanceof Error ? (error.stack ?? message) : message;
      return { seed: seed + index, trace: world.trace, message, stack };
    }
  }
  return null;
}

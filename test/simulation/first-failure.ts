/**
 * Schedules one after the other, until one breaks an invariant.
 */

import type { SabotageName } from "./sabotage.ts";
import { SharedWriters } from "./sim-pooler.ts";
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
  const writers = new SharedWriters();
  for (let index = 0; index < schedules; index += 1) {
    const world = new World(seed + index, { writers, broken });
    if (run(world) !== null) return repeated(seed + index, broken);
  }
  return null;
}

/** Runs a schedule that failed once more, and keeps its steps this time. */
function repeated(seed: number, broken: SabotageName | null): Failure {
  const world = new World(seed, { broken, traced: true });
  const error =
    run(world) ?? new Error("it fails only after others: a schedule is not all that its seed says");
  return { seed, trace: world.trace, message: error.message, stack: error.stack ?? error.message };
}

function run(world: World): Error | null {
  try {
    world.run();
    return null;
  } catch (error) {
    return error instanceof Error ? error : new Error(String(error));
  }
}

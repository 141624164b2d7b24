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

export interface Outcome {
  /** How many schedules were run, the one that failed included. */
  readonly schedules: number;
  /** How many steps they took. */
  readonly steps: number;
  readonly failure: Failure | null;
}

/** Runs the schedules of `seed`, `seed` + 1, … up to the first that fails. */
export function runSchedules(
  seed: number,
  schedules: number,
  broken: SabotageName | null = null,
): Outcome {
  const { stackTraceLimit } = Error;
  // An error's stack is half of its price, and nobody reads those of schedules that go well.
  Error.stackTraceLimit = 0;
  const { failed, ...counts } = runAll(seed, schedules, broken);
  Error.stackTraceLimit = stackTraceLimit;
  return { ...counts, failure: failed === null ? null : repeated(failed, broken) };
}

/** The same, with the seed of the one that fails. */
function runAll(seed: number, schedules: number, broken: SabotageName | null) {
  const shared = new SharedWriters();
  let steps = 0;
  for (let index = 0; index < schedules; index += 1) {
    // A bug may be put into them, too.
    const writers = broken === null ? shared : new SharedWriters();
    const world = new World(seed + index, { writers, broken });
    const error = run(world);
    steps += world.steps;
    if (error !== null) return { schedules: index + 1, steps, failed: seed + index };
  }
  return { schedules, steps, failed: null };
}

/** Returns what happens in the schedule of a seed, step by step. */
export function traceOf(seed: number): readonly string[] {
  const world = new World(seed, { traced: true });
  run(world);
  return world.trace;
}

/** Runs a schedule that failed once more, and keeps its steps this time. */
function repeated(seed: number, broken: SabotageName | null): Failure {
  const world = new World(seed, { broken, traced: true });
  const error =
    run(world) ?? new Error("it fails only behind others: its seed is not all it takes");
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

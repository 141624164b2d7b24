/**
 * Schedules one after the other, until one breaks an invariant.
 */

import type { SabotageName } from "./sabotage.ts";
import { SharedWriters } from "./sim-pooler.ts";
import { World } from "./world.ts";

const STACK_LINES = 20;

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
  const shared = new SharedWriters();
  // An error's stack is half of its price, and nobody reads those of schedules that go well.
  Error.stackTraceLimit = 0;
  let steps = 0;
  for (let index = 0; index < schedules; index += 1) {
    // A bug may be put into them, too.
    const writers = broken === null ? shared : new SharedWriters();
    const world = new World(seed + index, { writers, broken });
    const error = run(world);
    steps += world.steps;
    if (error !== null)
      return { schedules: index + 1, steps, failure: repeated(seed + index, broken) };
  }
  Error.stackTraceLimit = STACK_LINES;
  return { schedules, steps, failure: null };
}

/** Returns what happens in the schedule of a seed, step by step. */
export function traceOf(seed: number): readonly string[] {
  const world = new World(seed, { traced: true });
  run(world);
  return world.trace;
}

/** Runs a schedule that failed once more, and keeps its steps this time. */
function repeated(seed: number, broken: SabotageName | null): Failure {
  Error.stackTraceLimit = STACK_LINES;
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

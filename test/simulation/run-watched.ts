/**
 * Schedules one after the other, as {@link runSchedules}, and an eye on promises that are rejected with nobody
 * to hear of it: that is told only when no schedule runs, so they are run in lots.
 */

import { type Outcome, runSchedules, traceOf } from "./run-schedules.ts";

/** Schedules between two looks. */
const LOT = 500;

/** Runs the schedules of `seed`, `seed` + 1, … up to the first that fails. */
export async function runWatched(seed: number, schedules: number): Promise<Outcome> {
  const rejections: string[] = [];
  const onRejection = (reason: unknown): void => void rejections.push(textOf(reason));
  process.on("unhandledRejection", onRejection);
  let steps = 0;
  try {
    for (let done = 0; done < schedules; done += LOT) {
      const lot = Math.min(LOT, schedules - done);
      const outcome = runSchedules(seed + done, lot);
      steps += outcome.steps;
      if (outcome.failure !== null)
        return { ...outcome, schedules: done + outcome.schedules, steps };
      // oxlint-disable-next-line no-await-in-loop -- lots follow one another
      await nextTurn();
      if (rejections.length === 0) continue;
      // oxlint-disable-next-line no-await-in-loop -- the last of all
      const failure = await culprit(seed + done, lot, rejections);
      return { schedules: done + lot, steps, failure };
    }
  } finally {
    process.off("unhandledRejection", onRejection);
  }
  return { schedules, steps, failure: null };
}

/** Finds the schedule of a lot that left a rejection. */
async function culprit(
  from: number,
  lot: number,
  rejections: string[],
): Promise<Outcome["failure"]> {
  const [message = ""] = rejections.splice(0);
  for (let seed = from; seed < from + lot; seed += 1) {
    const trace = traceOf(seed);
    // oxlint-disable-next-line no-await-in-loop -- one by one
    await nextTurn();
    const [stack] = rejections.splice(0);
    if (stack !== undefined)
      return { seed, trace, message: `a promise was rejected: ${stack}`, stack };
  }
  return { seed: from, trace: [], message: `a promise was rejected: ${message}`, stack: message };
}

function nextTurn(): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  setImmediate(resolve);
  return promise;
}

function textOf(reason: unknown): string {
  return reason instanceof Error ? (reason.stack ?? reason.message) : String(reason);
}

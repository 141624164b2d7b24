/**
 * Runs schedules of the simulation: `npm run simulate -- --seed N --schedules M`, on all processors.
 * Schedule number k of seed N is the one schedule of seed N + k, so a failure names the seed that repeats it alone.
 */

import { availableParallelism } from "node:os";
import { parseArgs } from "node:util";
import { Worker } from "node:worker_threads";
import type { Outcome } from "./run-schedules.ts";
import { runWatched } from "./run-watched.ts";

const SCHEDULES_DEFAULT = "100000";
/** Below this, a thread costs more than it brings. */
const SCHEDULES_OF_A_THREAD_MIN = 2000;
/** Steps that are shown of a failing schedule without `--verbose`. */
const TRACE_LINES = 60;

const { values } = parseArgs({
  options: {
    seed: { type: "string" },
    schedules: { type: "string" },
    threads: { type: "string" },
    verbose: { type: "boolean", default: false },
  },
});

const seed = Number(values.seed ?? crypto.getRandomValues(new Uint32Array(1))[0]);
const schedules = Number(values.schedules ?? (values.seed === undefined ? SCHEDULES_DEFAULT : "1"));
const threadsMax = Number(values.threads ?? availableParallelism());
if (![seed, schedules, threadsMax].every((value) => Number.isSafeInteger(value) && value >= 0)) {
  process.stderr.write("simulate: --seed, --schedules and --threads are whole numbers\n");
  process.exit(2);
}

process.stdout.write(`seed ${seed}, ${schedules} schedules\n`);
const startedMs = performance.now();
const outcome = await runOnThreads();
const seconds = (performance.now() - startedMs) / 1000;
report(outcome);

/** What all threads together came to, or the first of them that failed. */
async function runOnThreads(): Promise<Outcome> {
  const threads = Math.min(threadsMax, Math.floor(schedules / SCHEDULES_OF_A_THREAD_MIN));
  if (threads < 2) return runWatched(seed, schedules);
  const { promise: failed, resolve: onFailed } = Promise.withResolvers<Outcome>();
  const outcomes = Array.from({ length: threads }, async (_, index) => {
    const from = Math.floor((schedules * index) / threads);
    const to = Math.floor((schedules * (index + 1)) / threads);
    const result = await runOnThread(seed + from, to - from);
    if (result.failure !== null) onFailed(result);
    return result;
  });
  return Promise.race([failed, Promise.all(outcomes).then(sum)]);
}

function runOnThread(from: number, count: number): Promise<Outcome> {
  const { promise, resolve, reject } = Promise.withResolvers<Outcome>();
  const workerData = { seed: from, schedules: count };
  const worker = new Worker(new URL("simulate-worker.ts", import.meta.url), { workerData });
  worker.once("message", resolve);
  worker.once("error", reject);
  return promise;
}

function sum(outcomes: readonly Outcome[]): Outcome {
  return {
    schedules: outcomes.reduce((total, { schedules: count }) => total + count, 0),
    steps: outcomes.reduce((total, { steps }) => total + steps, 0),
    failure: outcomes.find(({ failure }) => failure !== null)?.failure ?? null,
  };
}

function report({ failure, steps, schedules: run }: Outcome): never {
  if (failure !== null) {
    const shown = values.verbose ? failure.trace : failure.trace.slice(-TRACE_LINES);
    process.stdout.write(`${shown.join("\n")}\n${failure.stack}\n`);
    process.stdout.write(`repeat it: npm run simulate -- --seed ${failure.seed} --verbose\n`);
    process.exit(1);
  }
  const speed = `${seconds.toFixed(1)} s, ${Math.round(run / seconds)} a second`;
  process.stdout.write(
    `no invariant broken: ${run} schedules of ${Math.round(steps / run)} steps on average in ${speed}\n`,
  );
  process.exit(0);
}

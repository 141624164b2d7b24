/**
 * Runs schedules of the simulation: `npm run simulate -- --seed N --schedules M`.
 * Schedule number k of seed N is the one schedule of seed N + k, so a failure names the seed that repeats it alone.
 */

import { parseArgs } from "node:util";
import { firstFailure } from "./first-failure.ts";

const SCHEDULES_DEFAULT = "100000";
/** Steps that are shown of a failing schedule without `--verbose`. */
const TRACE_LINES = 60;

const { values } = parseArgs({
  options: {
    seed: { type: "string" },
    schedules: { type: "string" },
    verbose: { type: "boolean", default: false },
  },
});

const seed = Number(values.seed ?? crypto.getRandomValues(new Uint32Array(1))[0]);
const schedules = Number(values.schedules ?? (values.seed === undefined ? SCHEDULES_DEFAULT : "1"));
if (!Number.isSafeInteger(seed) || !Number.isSafeInteger(schedules) || schedules < 1) {
  process.stderr.write("simulate: --seed and --schedules are whole numbers\n");
  process.exit(2);
}
process.stdout.write(`seed ${seed}, ${schedules} schedules\n`);
const startedMs = performance.now();
const failure = firstFailure(seed, schedules);
const seconds = (performance.now() - startedMs) / 1000;
if (failure !== null) {
  const shown = values.verbose ? failure.trace : failure.trace.slice(-TRACE_LINES);
  process.stdout.write(`${shown.join("\n")}\n${failure.stack}\n`);
  process.stdout.write(`repeat it: npm run simulate -- --seed ${failure.seed} --verbose\n`);
  process.exit(1);
}
process.stdout.write(
  `no invariant broken: ${schedules} schedules in ${seconds.toFixed(1)} s, ${Math.round(schedules / seconds)} a second\n`,
);

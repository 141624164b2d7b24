import { test } from "bun:test";
import { array, assert, nat, property } from "fast-check";
import { PermitSimulation } from "./permit-simulation.ts";

/** About a second. A failure prints its seed and path. */
const SCHEDULES = 80;
const TIMEOUT_MS = 30_000;

test(
  "workers keep their common limits, lose no permit, and serve all who wait, under any schedule",
  () => {
    const script = array(nat({ max: 65_535 }), { minLength: 1, maxLength: 600, size: "max" });
    assert(
      property(script, (numbers) => {
        const simulation = new PermitSimulation(numbers);
        simulation.run();
        simulation.finish();
      }),
      { numRuns: SCHEDULES, endOnFailure: true },
    );
  },
  TIMEOUT_MS,
);

import { test } from "bun:test";
import { array, assert, nat, property } from "fast-check";
import { GroupSimulation } from "./group-simulation.ts";

/** About two seconds. A failure prints its seed and path, and the shortest script that still fails. */
const SCHEDULES = 1_000;

test("pools of a group keep their common limit, and serve all who wait, under any schedule", () => {
  const script = array(nat({ max: 65_535 }), { minLength: 1, maxLength: 300, size: "max" });
  assert(
    property(script, (numbers) => {
      const simulation = new GroupSimulation(numbers);
      simulation.run();
      simulation.finish();
    }),
    { numRuns: SCHEDULES, endOnFailure: true },
  );
});

import { test } from "bun:test";
import { array, assert, nat, property } from "fast-check";
import { Simulation } from "./simulation.ts";

/** About two seconds. A failure prints its seed and path, and the shortest script that still fails. */
const SCHEDULES = 2_000;

test("keeps size, order, counts and every waiter's answer under any schedule", () => {
  const script = array(nat({ max: 65_535 }), { minLength: 1, maxLength: 300, size: "max" });
  assert(
    property(script, (numbers) => {
      const simulation = new Simulation(numbers);
      simulation.run();
      simulation.finish();
    }),
    { numRuns: SCHEDULES },
  );
});

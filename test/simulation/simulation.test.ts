/**
 * That the simulation can fail: each known bug is found within a bounded number of schedules; that a
 * seed repeats its schedule; and a short run of the real thing, of which CI has a long one.
 */

import { describe, expect, test } from "bun:test";
import { runSchedules } from "./run-schedules.ts";
import { SABOTAGE_CASES, type SabotageName } from "./sabotage.ts";
import { World } from "./world.ts";

const SEED = 20_000;
const SCHEDULES_TO_FIND_A_BUG = 2000;

describe("the simulation", () => {
  test("breaks no invariant", () => {
    expect(runSchedules(SEED, 300).failure).toBeNull();
  });

  /**
   * A client is reset while its settings are put back; a notice begins behind the answer to a query of ours; a Sync
   * comes inside a notice that does.
   */
  test.each([3_372_215_484, 394_478_643, 1_742_460_584, 252_150_075])(
    "breaks none where it once did: %d",
    (seed) => {
      expect(runSchedules(seed, 1).failure).toBeNull();
    },
  );

  test("repeats a schedule from its seed, step by step", () => {
    const first = new World(SEED + 1, { traced: true });
    const second = new World(SEED + 1, { traced: true });
    first.run();
    second.run();
    expect(second.trace).toEqual(first.trace);
    expect(first.trace.length).toBeGreaterThan(20);
  });

  test("does something else with another seed", () => {
    const first = new World(SEED + 2, { traced: true });
    const second = new World(SEED + 3, { traced: true });
    first.run();
    second.run();
    expect(second.trace).not.toEqual(first.trace);
  });
});

describe("the simulation finds a pool that", () => {
  test.each(SABOTAGE_CASES)("%s", (name, found) => {
    expect(complaints(name, found)).toContainEqual(expect.stringMatching(found));
  });
});

/** What is said of a bug, schedule by schedule, up to what must be said: it may show in other ways before. */
function complaints(name: SabotageName, found: RegExp): readonly string[] {
  const said: string[] = [];
  for (let seed = SEED; seed < SEED + SCHEDULES_TO_FIND_A_BUG; seed += 1) {
    const message = runSchedules(seed, 1, name).failure?.message ?? "nothing";
    said.push(message);
    if (found.test(message)) return said.slice(-1);
  }
  return said;
}

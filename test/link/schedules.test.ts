import { expect, test } from "bun:test";
import { type Outcome, runSchedule } from "./support/schedule.ts";

const SCHEDULES = 500;

test("a link keeps its promises however its stream is cut, held up and broken", async () => {
  const seed = crypto.getRandomValues(new Uint32Array(1))[0] ?? 0;
  const outcomes = await run(seed, SCHEDULES);
  const broken = outcomes.filter(({ broke }) => broke).length;
  const rests = outcomes.reduce((sum, outcome) => sum + outcome.rests, 0);
  expect(outcomes).toHaveLength(SCHEDULES);
  expect(broken).toBeGreaterThan(SCHEDULES / 4);
  expect(broken).toBeLessThan(SCHEDULES);
  expect(rests).toBeGreaterThan(SCHEDULES / 4);
});

/** One after the other: they share nothing but the time they take. */
async function run(seed: number, count: number): Promise<Outcome[]> {
  const outcomes: Outcome[] = [];
  for (let at = 0; at < count; at += 1)
    // oxlint-disable-next-line no-await-in-loop -- thousands at a time would need as many buffers
    outcomes.push(await named(seed + at));
  return outcomes;
}

/** Says which seed repeats a failure. */
async function named(seed: number): Promise<Outcome> {
  try {
    return await runSchedule(seed);
  } catch (error) {
    throw new Error(`schedule ${seed} failed`, { cause: error });
  }
}

/**
 * How many workers the pooler of a test has: `npm run test:workers` runs the tests of the whole with three.
 */

import { type TestOptions, test } from "bun:test";

/** 1: the pooler is alone. */
export const TEST_WORKERS = Number(process.env["CARPOOL_TEST_WORKERS"] ?? 1);

/** Whether all clients of a pooler come in at a worker that does not own their tenant `dev`. */
export const TEST_HOP = process.env["CARPOOL_TEST_HOP"] === "1";

/** Declares a test that means nothing where there are several workers; `reason` says why, where it is skipped. */
export function testOneWorker(
  name: string,
  reason: string,
  run: () => Promise<void> | void,
  options: TestOptions = {},
): void {
  if (TEST_WORKERS === 1) test(name, run, options);
  else test.skip(`${name} (with one worker only: ${reason})`, run);
}

/** So many connections meet each of three workers, but once in 50 000 times. */
const CONNECTIONS_THAT_MEET_ALL = 30;

/** Does something so often that every worker has done it: the kernel spreads connections over them by chance. */
export function everyWorker<T>(act: () => Promise<T>): Promise<T>[] {
  return Array.from({ length: TEST_WORKERS === 1 ? 1 : CONNECTIONS_THAT_MEET_ALL }, act);
}

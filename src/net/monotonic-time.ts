/**
 * The time of CLOCK_MONOTONIC, which all processes of a machine share: Bun's own clocks begin with the process.
 */

import { ptr } from "bun:ffi";
import { openLibc } from "./libc.ts";

const CLOCK_MONOTONIC = 1;
const MICROSECONDS_PER_SECOND = 1_000_000n;
const NANOSECONDS_PER_MICROSECOND = 1000n;

/** Returns a function that reads it, in microseconds; null: not known here. */
export function openMonotonicTime(): (() => bigint) | null {
  const libc = openLibc({ clock_gettime: { args: ["i32", "ptr"], returns: "i32" } });
  if (libc === null) return null;
  const timespec = new BigInt64Array(2);
  return () => {
    libc.clock_gettime(CLOCK_MONOTONIC, ptr(timespec));
    const [seconds = 0n, nanoseconds = 0n] = timespec;
    return seconds * MICROSECONDS_PER_SECOND + nanoseconds / NANOSECONDS_PER_MICROSECOND;
  };
}

/**
 * The memory of a pooler that has several processes.
 */

import { readFileSync } from "node:fs";
import { childrenOf } from "./process-cpu-time.ts";
import { residentBytes } from "./resident-memory.ts";

/** Resident memory of process `pid` and all its descendants. Pages that they share count for each. */
export function residentTreeBytes(pid: number): number {
  return childrenOf(pid).reduce((sum, child) => sum + residentTreeBytes(child), residentBytes(pid));
}

/** The same, but a page that several processes share counts once, in parts (Pss of proc_pid_smaps(5)). */
export function proportionalTreeBytes(pid: number): number {
  return childrenOf(pid).reduce(
    (sum, child) => sum + proportionalTreeBytes(child),
    proportionalBytesOf(readFileSync(`/proc/${pid}/smaps_rollup`, "latin1")),
  );
}

/** Pss out of the text of a /proc/PID/smaps_rollup, in bytes. */
export function proportionalBytesOf(rollup: string): number {
  const kilobytes = /^Pss:\s*(\d+) kB$/m.exec(rollup)?.[1];
  if (kilobytes === undefined) throw new Error(`no Pss in: ${rollup}`);
  return Number(kilobytes) * 1024;
}

/**
 * The CPU time a process has used, as the kernel counts it.
 */

import { readdirSync, readFileSync } from "node:fs";

/** USER_HZ: the unit of times in /proc. 100 on every Linux that Bun runs on (proc(5), sysconf(3)). */
const TICKS_PER_SECOND = 100;

/**
 * User and system time of process `pid` and of all its living descendants, in seconds, in steps of
 * 0.01 s. Descendants count because PostgreSQL has a process per connection and a pooler may have
 * workers. Throws when the process does not exist.
 */
export function processCpuSeconds(pid: number): number {
  const own = cpuTicksOf(readFileSync(`/proc/${pid}/stat`, "latin1")) / TICKS_PER_SECOND;
  return childrenOf(pid).reduce((sum, child) => sum + processCpuSeconds(child), own);
}

/** The part of {@link processCpuSeconds} that the system has spent for the process, in its calls. */
export function kernelCpuSeconds(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, "latin1");
  const own = Number(timesIn(stat)[1]) / TICKS_PER_SECOND;
  return childrenOf(pid).reduce((sum, child) => sum + kernelCpuSeconds(child), own);
}

/** utime + stime out of the text of a /proc/PID/stat (proc_pid_stat(5): fields 14 and 15). */
export function cpuTicksOf(stat: string): number {
  const [user, system] = timesIn(stat);
  const ticks = Number(user) + Number(system);
  if (!Number.isInteger(ticks)) throw new Error(`not a /proc/PID/stat: ${stat}`);
  return ticks;
}

function timesIn(stat: string): readonly string[] {
  // The second field is the command in parentheses, and may itself hold blanks and parentheses.
  return stat
    .slice(stat.lastIndexOf(")") + 2)
    .split(" ")
    .slice(11, 13);
}

/** The processes that `pid` has started and that still are. */
export function childrenOf(pid: number): number[] {
  return readdirSync(`/proc/${pid}/task`).flatMap((task) =>
    readFileSync(`/proc/${pid}/task/${task}/children`, "latin1")
      .split(" ")
      .filter((child) => child !== "")
      .map(Number),
  );
}

/**
 * The resident memory of a process, as the kernel counts it, and when it has come to rest.
 */

import { readFileSync } from "node:fs";

const POLL_MS = 250;
/** So long it must hardly change: garbage is collected, and freed pages given back, some time after the work. */
const REST_MS = 3000;
const REST_FRACTION = 0.01;
const REST_TIMEOUT_MS = 30_000;

/** VmRSS of process `pid`, in bytes. Throws when the process does not exist. */
export function residentBytes(pid: number): number {
  return residentBytesOf(readFileSync(`/proc/${pid}/status`, "latin1"));
}

/** VmRSS out of the text of a /proc/PID/status (proc_pid_status(5)), in bytes. */
export function residentBytesOf(status: string): number {
  const kilobytes = /^VmRSS:\s*(\d+) kB$/m.exec(status)?.[1];
  if (kilobytes === undefined) throw new Error(`no VmRSS in: ${status}`);
  return Number(kilobytes) * 1024;
}

/** Resolves to the resident memory once it has hardly changed for a while, or after the longest wait. */
export async function residentBytesAtRest(pid: number): Promise<number> {
  const samples: number[] = [];
  const needed = REST_MS / POLL_MS;
  for (let waitedMs = 0; waitedMs < REST_TIMEOUT_MS; waitedMs += POLL_MS) {
    samples.push(residentBytes(pid));
    const recent = samples.slice(-needed);
    const spread = Math.max(...recent) - Math.min(...recent);
    if (recent.length === needed && spread <= REST_FRACTION * Math.min(...recent)) break;
    await Bun.sleep(POLL_MS);
  }
  return residentBytes(pid);
}

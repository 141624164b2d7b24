/**
 * What memory the machine has left: the one place where the kernel's own, for sockets, shows.
 */

import { readFileSync } from "node:fs";

/** MemAvailable (proc_meminfo(5)), in bytes. Whatever else the machine does changes it, too. */
export function availableBytes(): number {
  const text = readFileSync("/proc/meminfo", "latin1");
  const kilobytes = /^MemAvailable:\s*(\d+) kB$/m.exec(text)?.[1];
  if (kilobytes === undefined) throw new Error("no MemAvailable in /proc/meminfo");
  return Number(kilobytes) * 1024;
}

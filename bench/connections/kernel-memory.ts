/**
 * What the kernel itself holds, such as sockets, their files and inodes: no process's memory shows it.
 */

import { readFileSync } from "node:fs";

/** The memory of the kernel's objects, in bytes. Whatever else the machine does changes it, too. */
export function kernelBytes(): number {
  return kernelBytesOf(readFileSync("/proc/meminfo", "latin1"));
}

/** Slab out of the text of /proc/meminfo (proc_meminfo(5)), in bytes. */
export function kernelBytesOf(meminfo: string): number {
  const kilobytes = /^Slab:\s*(\d+) kB$/m.exec(meminfo)?.[1];
  if (kilobytes === undefined) throw new Error("no Slab in /proc/meminfo");
  return Number(kilobytes) * 1024;
}

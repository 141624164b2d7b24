/**
 * How many clients the limit on open descriptors allows.
 * At the limit a process can accept nobody, and Bun's accept loop spins at a full core in silence,
 * so Carpool stops before.
 */

import { readFileSync } from "node:fs";
import { describeFileError } from "./file-error.ts";
import type { Findings } from "./findings.ts";

/** For listeners, the store, logs, links, cancels, and files being read. */
const RESERVED_DESCRIPTORS = 64;

/** What is left for servers when nobody sets MAX_CONNECTIONS: many clients share one. */
const CLIENT_SHARE = 3 / 4;

/** Some systems have no limit, but memory has: at 2 kB a client, this is 2 GB. */
const UNSET_CLIENTS_MAX = 1_000_000;

/** Where the system does not tell: the least that is common. */
const ASSUMED_DESCRIPTOR_LIMIT = 1024;

/**
 * Returns how many descriptors this process may open, or null where the system does not tell
 * (no /proc). Bun has raised the limit as far as it could when it started.
 */
export function readDescriptorLimit(): number | null {
  try {
    return parseDescriptorLimit(readFileSync("/proc/self/limits", "utf8"));
  } catch (error) {
    if (describeFileError(error).isMissing) return null;
    throw error;
  }
}

/** Finds the soft limit in the text of /proc/PID/limits: Infinity if there is none, null if not there. */
export function parseDescriptorLimit(limits: string): number | null {
  const soft = /^Max open files\s+(\d+|unlimited)/m.exec(limits)?.[1];
  if (soft === undefined) return null;
  return soft === "unlimited" ? Number.POSITIVE_INFINITY : Number(soft);
}

/** Returns how many clients to let in: MAX_CONNECTIONS, or what fits `descriptorLimit` where it is null. */
export function clientsMax(maxConnections: number | null, descriptorLimit: number | null): number {
  if (maxConnections !== null) return maxConnections;
  const share = Math.floor((descriptorLimit ?? ASSUMED_DESCRIPTOR_LIMIT) * CLIENT_SHARE);
  return Math.min(share, UNSET_CLIENTS_MAX);
}

/** Finds out whether that many clients fit, with room for servers. */
export function checkDescriptors(
  maxConnections: number | null,
  descriptorLimit: number | null,
): Findings {
  if (maxConnections === null || descriptorLimit === null) return { problems: [], warnings: [] };
  const left = descriptorLimit - RESERVED_DESCRIPTORS - maxConnections;
  const facts = `MAX_CONNECTIONS is ${maxConnections} and the process may open ${descriptorLimit} descriptors (RLIMIT_NOFILE)`;
  if (left <= 0) {
    const advice = `at most ${Math.max(descriptorLimit - RESERVED_DESCRIPTORS - 1, 0)} fit; raise the limit or lower the setting`;
    return { problems: [`${facts}: ${advice}`], warnings: [] };
  }
  const isTight = maxConnections > descriptorLimit * CLIENT_SHARE;
  return { problems: [], warnings: isTight ? [`${facts}: ${left} are left for servers`] : [] };
}

/**
 * How many clients and servers the limit on open descriptors allows.
 * At the limit a process can accept nobody, and Bun's accept loop spins at a full core in silence,
 * so Carpool stops before, with clients and with servers.
 */

import { readFileSync } from "node:fs";
import { describeFileError } from "./file-error.ts";
import type { Findings } from "./findings.ts";

/**
 * Connections beyond the clients' maximum that are still taken: cancel requests, and those to be told
 * that there are too many. More are closed unheard, since a process out of descriptors can accept nobody.
 */
export const SURPLUS_CLIENTS_MAX = 32;

/** Connections beyond the servers' maximum that carry cancels, of which each is short. */
export const SURPLUS_CANCELS_MAX = 16;

/** HTTP connections at a time: each takes four descriptors, since it goes through a gate and a door. */
export const HTTP_CONNECTIONS_MAX = 32;

/** For listeners, the store, logs, links, and files being read: 13 when nothing happens. */
const FILES_MAX = 32;

const RESERVED_DESCRIPTORS =
  SURPLUS_CLIENTS_MAX + SURPLUS_CANCELS_MAX + 4 * HTTP_CONNECTIONS_MAX + FILES_MAX;

/** What clients get of the rest when nobody sets MAX_CONNECTIONS: many share one server. */
const CLIENT_SHARE = 3 / 4;

/** What clients may take of what their equal part leaves: the system gives no two workers the same number. */
const UNEVEN_SHARE = 1 / 2;

/** With fewer, Carpool does not start. */
const DESCRIPTORS_MIN = RESERVED_DESCRIPTORS + 4;

/** Some systems have no limit, but memory has: at 3 kB a client, this is 3 GB. */
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

/** What clients and servers may take, so that together they stay below the limit. */
export interface ConnectionShares {
  /** Clients to let in: MAX_CONNECTIONS, or what fits where nobody set it. */
  readonly clients: number;
  /** Servers to open. Infinity where the system tells no limit. */
  readonly servers: number;
  /** Both together; less than their sum where what one of them does not use is there for the other. */
  readonly both: number;
}

/**
 * Returns the shares of one process, which are above 0 where {@link checkDescriptors} has no problem.
 * @param workers processes among which `maxConnections` clients are divided, as they come: one may have more than
 * an equal part, if its servers have no use for it; and its servers have what it leaves of what goes beyond that part
 */
export function connectionShares(
  maxConnections: number | null,
  descriptorLimit: number | null,
  workers = 1,
): ConnectionShares {
  const usable = (descriptorLimit ?? ASSUMED_DESCRIPTOR_LIMIT) - RESERVED_DESCRIPTORS;
  const share = Math.min(Math.floor(usable * CLIENT_SHARE), UNSET_CLIENTS_MAX);
  const part = maxConnections === null ? share : Math.ceil(maxConnections / workers);
  const most = Math.max(share, part + Math.floor((usable - part) * UNEVEN_SHARE));
  const clients = Math.min(maxConnections ?? share, most);
  if (descriptorLimit === null)
    return { clients, servers: Number.POSITIVE_INFINITY, both: Number.POSITIVE_INFINITY };
  return { clients, servers: usable - part, both: usable };
}

/** Finds out whether that many clients fit into so many workers, with room for servers. */
export function checkDescriptors(
  maxConnections: number | null,
  descriptorLimit: number | null,
  workers = 1,
): Findings {
  const limit = descriptorLimit ?? Number.POSITIVE_INFINITY;
  if (limit < DESCRIPTORS_MIN)
    return {
      problems: [
        `the process may open ${limit} descriptors (RLIMIT_NOFILE): at least ${DESCRIPTORS_MIN} are needed; raise the limit`,
      ],
      warnings: [],
    };
  if (maxConnections === null) return { problems: [], warnings: [] };
  const each = Math.ceil(maxConnections / workers);
  const left = limit - RESERVED_DESCRIPTORS - each;
  const who = workers === 1 ? "the process" : `each of ${workers} workers`;
  const facts = `MAX_CONNECTIONS is ${maxConnections} and ${who} may open ${limit} descriptors (RLIMIT_NOFILE)`;
  if (left <= 0) {
    const most = workers * (limit - RESERVED_DESCRIPTORS - 1);
    const advice = `at most ${most} fit; raise the limit or lower the setting`;
    return { problems: [`${facts}: ${advice}`], warnings: [] };
  }
  const isTight = each > limit * CLIENT_SHARE;
  return { problems: [], warnings: isTight ? [`${facts}: ${left} are left for servers`] : [] };
}

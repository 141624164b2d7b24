/**
 * Which process holds which TCP connection, as the kernel tells it: a client can't choose the worker that its
 * connection goes to, so a bench opens many and keeps those that are on the right one.
 */

import { readdirSync, readFileSync, readlinkSync } from "node:fs";

/** An established connection of this machine's IPv4 (proc_net(5)). */
export interface Connection {
  readonly localPort: number;
  readonly remotePort: number;
  readonly inode: string;
}

const ESTABLISHED = "01";

/** Returns the process of `pids` that holds each connection from a client's port to `port`, by that port. */
export function holdersOfClients(
  port: number,
  pids: readonly number[],
): ReadonlyMap<number, number> {
  const holders = holdersOfInodes(pids);
  const found = new Map<number, number>();
  for (const { localPort, remotePort, inode } of establishedConnections()) {
    const holder = localPort === port ? holders.get(inode) : undefined;
    if (holder !== undefined) found.set(remotePort, holder);
  }
  return found;
}

/** Returns those of `pids` that have connections to `port`. */
export function processesConnectedTo(port: number, pids: readonly number[]): readonly number[] {
  const holders = holdersOfInodes(pids);
  const found = new Set<number>();
  for (const { remotePort, inode } of establishedConnections()) {
    const holder = remotePort === port ? holders.get(inode) : undefined;
    if (holder !== undefined) found.add(holder);
  }
  return [...found];
}

function establishedConnections(): Connection[] {
  return connectionsOf(readFileSync("/proc/net/tcp", "latin1"));
}

/** The established connections out of the text of /proc/net/tcp. */
export function connectionsOf(table: string): Connection[] {
  return table
    .split("\n")
    .slice(1)
    .map((line) => line.trim().split(/\s+/))
    .filter((fields) => fields[3] === ESTABLISHED)
    .map((fields) => ({
      localPort: portOf(fields[1] ?? ""),
      remotePort: portOf(fields[2] ?? ""),
      inode: fields[9] ?? "",
    }));
}

/** Of an address such as `0100007F:1F90`. */
function portOf(address: string): number {
  return Number.parseInt(address.slice(address.indexOf(":") + 1), 16);
}

function holdersOfInodes(pids: readonly number[]): ReadonlyMap<string, number> {
  const holders = new Map<string, number>();
  for (const pid of pids)
    for (const descriptor of readdirSync(`/proc/${pid}/fd`)) {
      const inode = socketInode(`/proc/${pid}/fd/${descriptor}`);
      if (inode !== null) holders.set(inode, pid);
    }
  return holders;
}

/** Null for what is no socket, or was closed meanwhile. */
function socketInode(path: string): string | null {
  try {
    return /^socket:\[(\d+)\]$/.exec(readlinkSync(path))?.[1] ?? null;
  } catch {
    return null;
  }
}

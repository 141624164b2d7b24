/**
 * Every peer there is, in the order of the table.
 */

import { CARPOOL } from "./carpool.ts";
import { DIRECT } from "./direct.ts";
import type { Peer } from "./peer.ts";
import { PGBOUNCER, PGBOUNCER_TRUST } from "./pgbouncer.ts";

export const PEERS: readonly Peer[] = [CARPOOL, PGBOUNCER, PGBOUNCER_TRUST, DIRECT];

/** The peer whose cost is 1 in the ratios. */
export const YARDSTICK = PGBOUNCER.name;

/** The peer of that name, or null. */
export function findPeer(name: string): Peer | null {
  return PEERS.find((peer) => peer.name === name) ?? null;
}

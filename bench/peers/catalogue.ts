/**
 * Every peer there is, in the order of the table.
 */

import { CARPOOL } from "./carpool.ts";
import { DIRECT } from "./direct.ts";
import type { Peer } from "./peer.ts";
import { PGBOUNCER, PGBOUNCER_TRUST } from "./pgbouncer.ts";
import { RELAY } from "./relay.ts";

export const PEERS: readonly Peer[] = [CARPOOL, PGBOUNCER, PGBOUNCER_TRUST, RELAY, DIRECT];

/** Those that open a server connection for each client: PostgreSQL must have room for them. */
export const UNPOOLED: readonly Peer[] = [RELAY, DIRECT];

/** The peer whose cost is 1 in the ratios. */
export const YARDSTICK = PGBOUNCER.name;

/** The peer of that name, or null. */
export function findPeer(name: string): Peer | null {
  return PEERS.find((peer) => peer.name === name) ?? null;
}

/**
 * Which peers can run on this machine.
 */

import type { Peer } from "./peer.ts";

/** Those that can run here; says on standard error which can't, and why. */
export async function availablePeers(peers: readonly Peer[]): Promise<Peer[]> {
  const reasons = await Promise.all(peers.map((peer) => peer.unavailable()));
  return peers.filter((peer, index) => {
    const reason = reasons[index] ?? null;
    if (reason !== null) console.error(`${peer.name} skipped: ${reason}`);
    return reason === null;
  });
}

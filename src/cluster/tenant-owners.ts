/**
 * Which workers may own a tenant, and which edges then serve its clients themselves.
 *
 * Several owners share a tenant's servers: what each of them has, the keeper of permits counts. So no
 * agreement is needed on who owns it: an edge that may own the tenant decides for each client by itself,
 * and all others send theirs to the first of the ranking.
 */

import type { StoredTenant } from "../tenants/tenant.ts";

/**
 * A worker with fewer servers than this gains nothing: splitting a pool means that one owner's clients may
 * wait while another's servers are idle, until a permit has moved.
 */
const SERVERS_PER_OWNER = 5;

/**
 * With fewer clients at an edge than this, a hop costs less than opening servers there and taking their
 * permits from the first owner.
 */
const CLIENTS_TO_OWN = 8;

/** What decides who owns a tenant. */
export type OwnedTenant = Pick<
  StoredTenant,
  "owners" | "default_pool_size" | "max_server_connections" | "require_user" | "users"
>;

/**
 * Returns the workers that may own `tenant`, the first owner first: one at least, all of `ranking` at most.
 * @param ranking all workers of the node, from `Ownership.ranking`
 */
export function ownersOf(tenant: OwnedTenant, ranking: readonly number[]): readonly number[] {
  if (ranking.length <= 1) return ranking;
  const count = tenant.owners ?? Math.floor(largestPool(tenant) / SERVERS_PER_OWNER);
  return ranking.slice(0, Math.max(1, count));
}

/** Whether the tenant's clients may be served by more than one worker. */
export function hasSeveralOwners(tenant: OwnedTenant, ranking: readonly number[]): boolean {
  return ownersOf(tenant, ranking).length > 1;
}

/**
 * Whether the edge `self` serves a client of `tenant` by itself; if not, it goes to the first of `ranking`.
 * @param clients of the tenant that have come in at `self`, the one in question included
 */
export function servesLocally(
  tenant: OwnedTenant,
  ranking: readonly number[],
  self: number,
  clients: number,
): boolean {
  if (ranking[0] === self) return true;
  if (!ownersOf(tenant, ranking).includes(self)) return false;
  return tenant.owners !== null || clients >= CLIENTS_TO_OWN;
}

/** The most servers that one of its pools may have. */
function largestPool(tenant: OwnedTenant): number {
  const { default_pool_size: usual, max_server_connections: max, require_user, users } = tenant;
  // A role that is not listed has a pool of the usual size.
  let largest = require_user ? 0 : usual;
  for (const user of users) largest = Math.max(largest, user.pool_size ?? usual);
  return Math.min(largest, max ?? Number.POSITIVE_INFINITY);
}

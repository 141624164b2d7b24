/**
 * What runs for a tenant in each worker, as one: what an operator sees of it is the node.
 */

import type { PoolState, TenantState } from "./traffic.ts";

const ERRORS_MAX = 10;

/** Returns the state over all `states`, which are of this tenant; zeros where there are none. */
export function mergeStates(externalId: string, states: readonly TenantState[]): TenantState {
  const sum = (count: (state: TenantState) => number): number =>
    states.reduce((total, state) => total + count(state), 0);
  return {
    externalId,
    paused: states.length > 0 && states.every(({ paused }) => paused),
    clients: sum(({ clients }) => clients),
    clientsWaiting: sum(({ clientsWaiting }) => clientsWaiting),
    servers: sum(({ servers }) => servers),
    serversIdle: sum(({ serversIdle }) => serversIdle),
    serversActive: sum(({ serversActive }) => serversActive),
    pins: sum(({ pins }) => pins),
    pools: mergePools(states.flatMap(({ pools }) => pools)),
    lastErrors: states
      .flatMap(({ lastErrors }) => lastErrors)
      .toSorted((one, other) => compareMoments(other.at, one.at))
      .slice(0, ERRORS_MAX),
  };
}

/** Workers that share a tenant have a pool of the same name each. */
function mergePools(pools: readonly PoolState[]): readonly PoolState[] {
  const merged = new Map<string, PoolState>();
  for (const pool of pools) {
    const key = JSON.stringify([pool.user, pool.database, pool.mode]);
    const known = merged.get(key);
    merged.set(key, known === undefined ? pool : mergePool(known, pool));
  }
  return [...merged.values()];
}

function mergePool(one: PoolState, other: PoolState): PoolState {
  return {
    user: one.user,
    database: one.database,
    mode: one.mode,
    // The same for all of them: it limits their servers together.
    size: Math.max(one.size, other.size),
    clients: one.clients + other.clients,
    waiting: one.waiting + other.waiting,
    serversIdle: one.serversIdle + other.serversIdle,
    serversActive: one.serversActive + other.serversActive,
    serversOpening: one.serversOpening + other.serversOpening,
    pins: one.pins + other.pins,
    paused: one.paused && other.paused,
    lastError: one.lastError ?? other.lastError,
  };
}

/** ISO 8601 in UTC: they compare as text. */
function compareMoments(one: string, other: string): number {
  if (one === other) return 0;
  return one < other ? -1 : 1;
}

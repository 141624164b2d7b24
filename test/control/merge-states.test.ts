/**
 * What runs in several workers, as one.
 */

import { describe, expect, test } from "bun:test";
import { mergeStates } from "../../src/control/merge-states.ts";
import type { PoolState, TenantState } from "../../src/control/traffic.ts";

const POOL: PoolState = {
  user: "app",
  database: "shop",
  mode: "transaction",
  size: 10,
  clients: 3,
  waiting: 1,
  serversIdle: 1,
  serversActive: 2,
  serversOpening: 1,
  pins: 1,
  paused: false,
  lastError: null,
};

const STATE: TenantState = {
  externalId: "dev",
  paused: false,
  clients: 3,
  clientsWaiting: 1,
  servers: 4,
  serversIdle: 1,
  serversActive: 2,
  pins: 1,
  pools: [POOL],
  lastErrors: [],
};

function errorAt(minute: number): TenantState["lastErrors"][number] {
  const at = `2026-01-01T00:${String(minute).padStart(2, "0")}:00.000Z`;
  return { at, sqlstate: "28P01", message: `at ${minute}`, where: "client" };
}

describe("mergeStates", () => {
  test("sums what is counted, over all workers", () => {
    expect(mergeStates("dev", [STATE, STATE, STATE])).toMatchObject({
      externalId: "dev",
      clients: 9,
      clientsWaiting: 3,
      servers: 12,
      serversIdle: 3,
      serversActive: 6,
      pins: 3,
    });
  });

  test("makes one pool of those of the same user, database and mode, with the size of one", () => {
    const { pools } = mergeStates("dev", [STATE, { ...STATE, pools: [{ ...POOL, clients: 4 }] }]);
    expect(pools).toEqual([
      {
        ...POOL,
        clients: 7,
        waiting: 2,
        serversIdle: 2,
        serversActive: 4,
        serversOpening: 2,
        pins: 2,
      },
    ]);
  });

  test("keeps pools apart that differ in user, database or mode", () => {
    const others: PoolState[] = [
      { ...POOL, user: "other" },
      { ...POOL, database: "other" },
      { ...POOL, mode: "session" },
    ];
    const { pools } = mergeStates("dev", [STATE, { ...STATE, pools: others }]);
    expect(pools).toEqual([POOL, ...others]);
  });

  test("shows the reason why a server could not be opened, whichever worker met it", () => {
    const failing = { ...STATE, pools: [{ ...POOL, lastError: "no route to host" }] };
    expect(mergeStates("dev", [STATE, failing]).pools[0]?.lastError).toBe("no route to host");
    expect(mergeStates("dev", [failing, STATE]).pools[0]?.lastError).toBe("no route to host");
  });

  test("is paused only if all workers are", () => {
    const paused = { ...STATE, paused: true };
    expect(mergeStates("dev", [paused, paused]).paused).toBe(true);
    expect(mergeStates("dev", [paused, STATE]).paused).toBe(false);
  });

  test("shows the newest ten errors, the newest first", () => {
    const even = { ...STATE, lastErrors: [14, 12, 10, 8, 6, 4, 2].map(errorAt) };
    const odd = { ...STATE, lastErrors: [13, 11, 9, 7, 5, 3, 1].map(errorAt) };
    const { lastErrors } = mergeStates("dev", [even, odd]);
    expect(lastErrors).toEqual([14, 13, 12, 11, 10, 9, 8, 7, 6, 5].map(errorAt));
  });

  test("is all zeros where no worker answers", () => {
    expect(mergeStates("gone", [])).toEqual({
      externalId: "gone",
      paused: false,
      clients: 0,
      clientsWaiting: 0,
      servers: 0,
      serversIdle: 0,
      serversActive: 0,
      pins: 0,
      pools: [],
      lastErrors: [],
    });
  });
});

/**
 * Known bugs, put into a pool by a switch of the simulation's own tests: one that is never found shows
 * that the simulation can't see.
 */

import type { ServerConnection } from "../../src/proxy/server-connection.ts";
import type { ServerPool } from "../../src/proxy/server-pool.ts";
import type { SimPooler } from "./sim-pooler.ts";

/** Each is a bug that a pooler of this kind has had. */
const SABOTAGES = {
  /** A server goes back to the pool while replies are owed, or a transaction is open. */
  "releases too early": (pool: ServerPool) => {
    pool.recover = (server: ServerConnection) => {
      server.endHold();
      pool.onServerClean(server);
    };
  },
  /** A waiter that has gone stays in the queue, and a server is lent to nobody. */
  "forgets to forget": (pool: ServerPool) => {
    pool.forget = () => {};
  },
  /** The slot of a server is free before PostgreSQL has closed it. */
  "frees the slot of a living server": (pool: ServerPool) => {
    const gone = pool.onServerGone.bind(pool);
    pool.onServerEnding = gone;
    pool.onServerGone = () => {};
  },
  /** A cancel goes to whoever runs something on the pool, by a key of another server. */
  "lets a server go while its cancel is under way": (pool: ServerPool) => {
    const cancel = pool.cancel.bind(pool);
    pool.cancel = (server: ServerConnection) => {
      cancel(server);
      if (server.cancelling) server.endCancel("sent");
      server.endCancel = () => {};
    };
  },
} as const satisfies Record<string, (pool: ServerPool) => void>;

export type SabotageName = keyof typeof SABOTAGES;

export const SABOTAGE_NAMES = [
  "releases too early",
  "forgets to forget",
  "frees the slot of a living server",
  "lets a server go while its cancel is under way",
] as const satisfies readonly SabotageName[];

/** Puts the bug `name` into the pool. */
export function sabotage(name: SabotageName, { pool }: SimPooler): void {
  SABOTAGES[name](pool);
}

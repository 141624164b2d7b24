/**
 * Known bugs, put into a pooler by a switch of the simulation's own tests: one that is never found shows
 * that the simulation can't see. At least one for each invariant.
 */

import { Alarm } from "../../src/pool/ticker.ts";
import type { Waiter } from "../../src/pool/waiter.ts";
import { sessionTimes } from "../../src/proxy/client/session-times.ts";
import type { ServerPool } from "../../src/proxy/pools/server-pool.ts";
import type { ServerConnection } from "../../src/proxy/server/server-connection.ts";
import type { SimPooler } from "./sim-pooler.ts";

interface Sabotage {
  readonly into: (pooler: SimPooler) => void;
  /** What the simulation says of it. */
  readonly found: RegExp;
}

/** Long after the end of every schedule. */
const LATE_MS = 1_000_000_000;

const SHORT_TIMES = sessionTimes({
  heartbeatSeconds: 0,
  checkDelayMs: 0,
  clientIdleMs: 50,
  idleTransactionMs: 50,
  queryMs: 50,
  transactionMs: 50,
});

/** Each is a bug that a pooler of this kind has had, or could have. */
const SABOTAGES = {
  "lends servers that still work": {
    into: ({ pool }) => {
      pool.recover = (server) => {
        server.endHold();
        pool.onServerClean(server);
      };
    },
    found: /a server was lent|was lent to/,
  },
  "lends servers to those who have gone": {
    into: ({ pool }) => {
      pool.forget = () => {};
    },
    found: /AssertionError|was lent/,
  },
  "lets those who come overtake those who wait": {
    into: ({ pool }) => {
      const acquire = pool.acquire.bind(pool);
      let first: Waiter<ServerConnection> | null = null;
      pool.acquire = (waiter) => {
        const server = acquire(waiter);
        if (first !== null && first !== waiter && first.queue !== null) {
          pool.forget(first);
          acquire(first);
        }
        first = waiter.queue === null ? null : waiter;
        return server;
      };
    },
    found: /another had waited longer/,
  },
  "forgets some who wait": {
    into: ({ pool }) => {
      const acquire = pool.acquire.bind(pool);
      let count = 0;
      pool.acquire = (waiter) => {
        const server = acquire(waiter);
        count += 1;
        if (count % 10 === 0 && server === null && waiter.queue !== null) pool.forget(waiter);
        return server;
      };
    },
    found: /messages of|come to rest/,
  },
  "frees the slots of living servers": {
    into: ({ pool }) => {
      pool.onServerEnding = pool.onServerGone.bind(pool);
      pool.onServerGone = () => {};
    },
    found: /PostgreSQL counts/,
  },
  "opens one server more than allowed": {
    into: ({ pool }) => {
      const reconfigure = pool.reconfigure.bind(pool);
      pool.reconfigure = (recipe) => {
        const { limits } = recipe;
        reconfigure({ ...recipe, limits: { ...limits, size: limits.size + 1 } });
      };
      pool.reconfigure(pool.recipe);
    },
    found: /servers where|PostgreSQL counts/,
  },
  "lets servers go while their cancel is under way": {
    into: ({ pool }) => {
      const cancel = pool.cancel.bind(pool);
      pool.cancel = (server) => {
        const endCancel = server.endCancel.bind(server);
        cancel(server);
        if (!server.cancelling) return;
        endCancel("sent");
        server.endCancel = () => {
          server.endCancel = endCancel;
        };
      };
    },
    found: /a cancel of another's hit|come to rest|are left/,
  },
  "cancels what runs elsewhere": {
    into: ({ pool }) => {
      const servers: ServerConnection[] = [];
      const cancel = pool.cancel.bind(pool);
      onHandBack(pool, (server) => servers.push(server));
      pool.cancel = () => {
        for (const server of servers) if (server.usable) cancel(server);
      };
    },
    found: /a cancel of another's hit/,
  },
  "takes nothing away that clients have left": {
    into: ({ pool }) => {
      onHandBack(pool, ({ state }) => {
        Object.defineProperty(state, "residue", { get: () => 0, set() {} });
        Object.defineProperty(state, "mayPin", { get: () => 0, set() {} });
      });
    },
    found: /was lent.* with a /,
  },
  "takes the settings of others for its own": {
    into: ({ pool }) => {
      onHandBack(pool, ({ state }) => state.adoptSettings(pool.settings.none));
    },
    found: /is another's|where PostgreSQL says/,
  },
  "takes statements for prepared that are not": {
    into: ({ pool }) => {
      onHandBack(pool, ({ state }) => {
        state.statements.touch = () => true;
      });
    },
    found: /where PostgreSQL says|out of step/,
  },
  "reads on for clients that do not read": {
    into: ({ pool }) => {
      onHandBack(pool, ({ transport }) => {
        transport.pause = () => {};
      });
    },
    found: /bytes are held back for c/,
  },
  "keeps bytes for the next event": {
    into: ({ scratch }) => {
      const flush = scratch.toClient.flush.bind(scratch.toClient);
      let count = 0;
      scratch.toClient.flush = (sink) => {
        count += 1;
        return count % 20 === 0 || flush(sink);
      };
    },
    found: /shared writers keep bytes|has left before another is served/,
  },
  "limits the time of those who have no limit": {
    into: ({ pool }) => {
      Object.defineProperty(pool, "times", { get: () => SHORT_TIMES });
    },
    found: /was hung up on|where PostgreSQL says/,
  },
  "keeps no server open": {
    into: ({ pool }) => {
      const joined = pool.clientJoined.bind(pool);
      pool.clientJoined = () => {
        joined();
        pool.leave();
      };
      const reconfigure = pool.reconfigure.bind(pool);
      pool.reconfigure = (recipe) => {
        reconfigure(recipe);
        pool.leave();
      };
    },
    found: /servers are kept open/,
  },
  "keeps the keys of those who have gone": {
    into: ({ cancels }) => {
      cancels.revoke = () => {};
    },
    found: /keys are left/,
  },
  "keeps the statements of servers that have gone": {
    into: ({ pool }) => {
      onHandBack(pool, ({ state }) => {
        state.end = () => {};
      });
    },
    found: /statements are left|settings are left/,
  },
  "keeps the settings of clients that have gone": {
    into: ({ pool }) => {
      pool.settings.release = () => {};
    },
    found: /settings are left/,
  },
  "keeps alarms of servers that have gone": {
    into: ({ pool }) => {
      onHandBack(pool, () => pool.ticker.ringBy(new Alarm(() => {}), LATE_MS));
    },
    found: /timers are left/,
  },
  "counts clients that have gone": {
    into: ({ pool }) => {
      pool.clientLeft = () => {};
    },
    found: /clients are left/,
  },
} as const satisfies Record<string, Sabotage>;

export type SabotageName = keyof typeof SABOTAGES;

/** Every bug, and what the simulation must say of it. */
export const SABOTAGE_CASES: readonly (readonly [SabotageName, RegExp])[] = namesOf(SABOTAGES).map(
  (name) => [name, SABOTAGES[name].found],
);

/** Puts the bug `name` into the pooler. */
export function sabotage(name: SabotageName, pooler: SimPooler): void {
  SABOTAGES[name].into(pooler);
}

/** What is done to a server whenever it comes back. */
function onHandBack(pool: ServerPool, change: (server: ServerConnection) => void): void {
  const onServerClean = pool.onServerClean.bind(pool);
  pool.onServerClean = (server) => {
    change(server);
    onServerClean(server);
  };
}

function namesOf<T extends object>(record: T): (keyof T)[] {
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- Object.keys has no better type
  return Object.keys(record) as (keyof T)[];
}

/**
 * What a seed chooses before anything happens: how large the pool is, how long anything may take, what
 * clients are like.
 */

import type { PoolLimits } from "../../src/pool/pool-limits.ts";
import { type SessionTimes, sessionTimes } from "../../src/proxy/client/session-times.ts";
import type { PoolMode } from "../../src/proxy/pools/pool-name.ts";
import type { SeededRandom } from "./seeded-random.ts";

const HOUR_MS = 3_600_000;

/** Of so many schedules one moves more than buffers may hold. */
const BULK = 0.02;

export interface SchedulePlan {
  readonly mode: PoolMode;
  /**
   * Whether clients are cancelled and cut off, servers die and times run out. In a calm schedule nothing happens
   * that a client may notice, so that all that clients see is compared with what PostgreSQL would say.
   */
  readonly rough: boolean;
  /** How often a query takes its time, and a CancelRequest, too. */
  readonly slow: number;
  /** How many of the disturbances are cancels: most, or one of many kinds. */
  readonly cancels: number;
  /** Whether clients send and ask for more than a buffer holds. */
  readonly bulk: boolean;
  readonly times: SessionTimes;
  readonly serverStatementsMax: number;
  /** Steps before the last act. */
  readonly steps: number;
  readonly clients: number;
}

/** Returns the plan of the schedule that `random` stands at the beginning of. */
export function planOf(random: SeededRandom): SchedulePlan {
  const rough = random.chance(0.6);
  return {
    mode: random.chance(0.75) ? "transaction" : "session",
    rough,
    slow: random.pick([0.05, 0.3, 0.8]),
    cancels: random.pick([0.2, 0.2, 0.9]),
    bulk: random.chance(BULK),
    times: rough ? roughTimes(random) : calmTimes(random),
    serverStatementsMax: 1 + random.below(4),
    steps: 20 + random.below(200),
    clients: 1 + random.below(4),
  };
}

/** Returns the limits of a pool as it is at first, or as it is reconfigured. */
export function poolLimitsOf(random: SeededRandom, rough: boolean): PoolLimits {
  const size = 1 + random.below(3);
  return {
    size,
    lendingOrder: size === 2 ? "lifo" : "fifo",
    sizeMin: random.chance(0.2) ? random.below(size + 1) : 0,
    reserve: random.chance(0.2) ? 1 + random.below(2) : 0,
    reserveAfterMs: random.pick([0, 300, 2000]),
    checkoutTimeoutMs: rough ? random.pick([3000, 60_000]) : HOUR_MS,
    connectDeadlineMs: rough ? 5000 : HOUR_MS,
    idleTimeoutMs: random.pick([500, 20_000]),
    lifetimeMs: random.pick([1000, 60_000]),
    retryMinMs: 100,
    retryMaxMs: 1000,
  };
}

/** None, or such that are never over here: the same code runs, and nobody may notice. */
function calmTimes(random: SeededRandom): SessionTimes {
  const limitMs = random.chance(0.5) ? HOUR_MS : 0;
  return sessionTimes({
    heartbeatSeconds: 0,
    checkDelayMs: checkDelayMs(random),
    clientIdleMs: limitMs,
    idleTransactionMs: limitMs,
    queryMs: limitMs,
    transactionMs: limitMs,
  });
}

/** In a third of the schedules some are short: a rough one jumps by seconds. */
function roughTimes(random: SeededRandom): SessionTimes {
  const limited = random.chance(0.3);
  const limitMs = (ms: number): number => (limited && random.chance(0.6) ? ms : 0);
  return sessionTimes({
    heartbeatSeconds: 0,
    checkDelayMs: checkDelayMs(random),
    clientIdleMs: limitMs(6000),
    idleTransactionMs: limitMs(3000),
    queryMs: limitMs(1000),
    transactionMs: limitMs(4000),
  });
}

function checkDelayMs(random: SeededRandom): number {
  return random.pick([0, 400, HOUR_MS, HOUR_MS]);
}

/**
 * What the pools of a worker have in common.
 */

import type { Logger } from "../../base/logger.ts";
import type { Random } from "../../base/random.ts";
import type { WallClock } from "../../base/wall-clock.ts";
import type { NetEnvironment } from "../../net/net-environment.ts";
import type { Ticker } from "../../pool/ticker.ts";
import type { LastErrors } from "../last-errors.ts";
import type { PoolerCounters } from "../pooler-counters.ts";
import type { RelayScratch } from "../server/relay-scratch.ts";

/** Limits that are the same for all pools. */
export interface ServerPoolLimits {
  readonly cancelTimeoutMs: number;
  readonly scramIterationsMax: number;
  readonly serverStatementsMax: number;
  readonly tenantStatementBytesMax: number;
}

/** What all pools of a worker share. */
export interface ServerPoolEnvironment {
  readonly net: NetEnvironment;
  readonly wallClock: WallClock;
  readonly ticker: Ticker;
  readonly random: Random;
  readonly logger: Logger;
  readonly scratch: RelayScratch;
  readonly counters: PoolerCounters;
  readonly lastErrors: LastErrors;
  readonly limits: ServerPoolLimits;
}

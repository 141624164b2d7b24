/**
 * What a worker counts, as plain fields: the metrics room reads them.
 */

import type { PinReason } from "../session/effects/pin-reasons.ts";

/** Clients that kept their servers, since the start. */
export class PinCounters {
  /** How often a client came to keep its server, by reason. */
  readonly byReasonTotal: Record<PinReason, number> = {
    temporary: 0,
    advisory_lock: 0,
    holdable_cursor: 0,
    listen: 0,
  };
  /** How often there was no room for one more. */
  refusedTotal = 0;
  /** How often what was on a server was taken away, because it was seen only when there was no room. */
  sweptTotal = 0;
}

export class PoolerCounters {
  readonly pins = new PinCounters();
  /** Servers closed because they sent what they did not owe. Must stay 0. */
  desyncTotal = 0;
  /** Clients that finished their login. */
  clientLoginsTotal = 0;
  /** Clients refused during their login. */
  clientLoginFailuresTotal = 0;
  /** Clients that were gone without a word: see heartbeats.ts. */
  clientsLostTotal = 0;
  /** Connections closed because of a bug of ours. */
  internalErrorsTotal = 0;
}

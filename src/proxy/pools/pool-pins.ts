/**
 * The clients of a pool that keep their servers for themselves ("pinned"): how many may, how many do, and why.
 * Plain fields, for whoever shows them.
 */

import type { LogFields, Logger } from "../../base/logger.ts";
import type { PoolerError } from "../../base/pooler-error.ts";
import { type PinReason, pinReasons } from "../../session/effects/pin-reasons.ts";
import { PinLimitError, PinsRefusedError } from "../client/pin-errors.ts";
import type { PinCounters } from "../pooler-counters.ts";
import type { PinLimits } from "./pin-limits.ts";
import type { PinnedClient } from "./pin-list.ts";

export class PoolPins {
  limits: PinLimits;
  /** Clients that are pinned, or whose transaction may pin them. */
  taken = 0;
  /** Clients that are pinned. One may be so for several reasons. */
  pinned = 0;
  /** Pinned clients by reason. */
  readonly byReason: Record<PinReason, number> = {
    temporary: 0,
    advisory_lock: 0,
    holdable_cursor: 0,
    listen: 0,
  };
  readonly #clients = new Set<PinnedClient>();
  /** The reasons that were logged as swept, as bits of PIN. */
  #sweptLogged = 0;
  readonly #name: LogFields;
  readonly #logger: Logger;
  readonly #counters: PinCounters;

  constructor(limits: PinLimits, name: LogFields, logger: Logger, counters: PinCounters) {
    this.limits = limits;
    this.#name = name;
    this.#logger = logger;
    this.#counters = counters;
  }

  /** Takes a place for one more client. Returns why there is none, and counts that, or null. */
  take(reasons: number): PoolerError | null {
    if (this.taken < this.limits.here) {
      this.taken += 1;
      return null;
    }
    this.#counters.refusedTotal += 1;
    return this.limits.max === 0
      ? new PinsRefusedError(reasons)
      : new PinLimitError(reasons, this.taken, this.limits);
  }

  /** The place is free again. */
  giveBack(): void {
    this.taken -= 1;
  }

  /** Those that are pinned. */
  get clients(): Iterable<PinnedClient> {
    return this.#clients;
  }

  /** The reasons for which a client is pinned change. */
  change(client: PinnedClient, before: number, now: number): void {
    if (before === now) return;
    if (now === 0) this.#clients.delete(client);
    else this.#clients.add(client);
    this.pinned += Number(now !== 0) - Number(before !== 0);
    for (const reason of pinReasons(before & ~now)) this.byReason[reason] -= 1;
    for (const reason of pinReasons(now & ~before)) {
      this.byReason[reason] += 1;
      this.#counters.byReasonTotal[reason] += 1;
    }
    this.#logger.debug(
      {
        ...this.#name,
        reasons: pinReasons(now).join(","),
        pinned: this.pinned,
        limit: this.limits.here,
      },
      now === 0 ? "a client's server is free again" : "a client keeps its server",
    );
  }

  /**
   * What a client left on its server was taken away: there was no room for one more that keeps its server. Counted
   * each time, logged once for each reason: a client may do so in every transaction.
   */
  swept(reasons: number): void {
    this.#counters.sweptTotal += 1;
    if ((reasons & ~this.#sweptLogged) === 0) return;
    this.#sweptLogged |= reasons;
    this.#logger.warn(
      { ...this.#name, reasons: pinReasons(reasons).join(","), limit: this.limits.here },
      "what a client made beyond its transaction was taken away: no more clients may keep a server",
    );
  }
}

/**
 * Why a client can't keep its server, and what it loses with one.
 */

import { PoolerError } from "../../base/pooler-error.ts";
import { SQLSTATE } from "../../base/sqlstate.ts";
import { pinWords } from "../../session/effects/pin-reasons.ts";
import type { PinLimits } from "../pools/pin-limits.ts";

const INSTEAD =
  "Use the session port (5432), or what ends with its transaction: CREATE TEMP TABLE … ON COMMIT DROP, pg_advisory_xact_lock().";

/** As many clients of the pool as may keep their servers do so. */
export class PinLimitError extends PoolerError {
  /** @param reasons bits of PIN */
  constructor(reasons: number, current: number, { max, here }: PinLimits) {
    const share = here < max ? `; ${here} of these fall to the worker of this connection` : "";
    super({
      severity: "ERROR",
      sqlstate: SQLSTATE.too_many_connections,
      message: `too many clients keep a server for themselves to allow one more, for ${pinWords(reasons)}`,
      detail: `${current} clients of this pool do; max_pins is ${max}${share}.`,
      hint: `${INSTEAD} Or raise max_pins.`,
    });
  }
}

/** The tenant has none of it. */
export class PinsRefusedError extends PoolerError {
  /** @param reasons bits of PIN */
  constructor(reasons: number) {
    super({
      severity: "ERROR",
      sqlstate: SQLSTATE.feature_not_supported,
      message: `${pinWords(reasons)} beyond a transaction are not allowed in transaction mode`,
      detail: "max_pins is 0: no client of this pool may keep a server for itself.",
      hint: `${INSTEAD} Or raise max_pins.`,
    });
  }
}

/** A server was lost that a client kept for what is on it. */
export class PinnedServerLostError extends PoolerError {
  /** @param reasons bits of PIN */
  constructor(lost: PoolerError, reasons: number) {
    super({
      severity: "FATAL",
      sqlstate: lost.sqlstate,
      message: lost.message,
      detail: `This connection kept its server for ${pinWords(reasons)}; they are lost.`,
      hint: lost.hint,
    });
  }
}

/**
 * The pool has servers, or is opening some, and none came free in time.
 */

import { PoolerError } from "../base/pooler-error.ts";
import { SQLSTATE } from "../base/sqlstate.ts";
import type { PoolCounts } from "./pool-counts.ts";

/** What else is known when a waiter's time is over. */
export interface CheckoutCircumstances {
  /** Why the latest attempt to open one more failed, or null. */
  readonly openError: PoolerError | null;
  /** Servers of all pools of the group, and how many they may be; Infinity: no limit. */
  readonly taken: number;
  readonly max: number;
  /** The rest of what the pool may have is with other workers of the node. */
  readonly areElsewhere: boolean;
}

/**
 * 53300, as PostgreSQL says when its connection slots are used up: drivers know it as a lack of
 * resources that passes (08xxx would tell them that their own connection broke, 57014 that somebody
 * cancelled). An ERROR: the client's connection goes on, and its next transaction may have better luck.
 */
export class CheckoutTimeoutError extends PoolerError {
  constructor(timeoutMs: number, counts: PoolCounts, circumstances: CheckoutCircumstances) {
    const { taken, max } = circumstances;
    super({
      severity: "ERROR",
      sqlstate: SQLSTATE.too_many_connections,
      message: `could not obtain a server connection from the pool within ${timeoutMs} ms`,
      detail: describe(counts, circumstances),
      hint:
        taken < max
          ? "Keep transactions short, or raise pool_size or pool_checkout_timeout."
          : "Keep transactions short, or raise max_server_connections of the tenant.",
    });
  }
}

function describe(counts: PoolCounts, circumstances: CheckoutCircumstances): string {
  const { openError, taken, max, areElsewhere } = circumstances;
  const { size, active, idle, opening, closing, waiting } = counts;
  const sentences = [
    `Pool size is ${size}: ${active} active, ${idle} idle, ${opening} opening, ${closing} closing; clients waiting: ${waiting}.`,
  ];
  if (areElsewhere)
    sentences.push("These are one worker's; the others that there may be are with other workers.");
  if (max < Number.POSITIVE_INFINITY)
    sentences.push(`All pools of the tenant have ${taken} servers; the limit is ${max}.`);
  if (openError !== null)
    sentences.push(`The latest attempt to open a server connection failed: ${openError.message}`);
  return sentences.join(" ");
}

/**
 * The pool has servers, or is opening some, and none came free in time.
 */

import { PoolerError } from "../base/pooler-error.ts";
import { SQLSTATE } from "../base/sqlstate.ts";
import type { PoolCounts } from "./pool-counts.ts";

/**
 * 53300, as PostgreSQL says when its connection slots are used up: drivers know it as a lack of
 * resources that passes (08xxx would tell them that their own connection broke, 57014 that somebody
 * cancelled). An ERROR: the client's connection goes on, and its next transaction may have better luck.
 */
export class CheckoutTimeoutError extends PoolerError {
  /** `openError`: why the latest attempt to open one more failed, or null. */
  constructor(timeoutMs: number, counts: PoolCounts, openError: PoolerError | null) {
    super({
      severity: "ERROR",
      sqlstate: SQLSTATE.too_many_connections,
      message: `could not obtain a server connection from the pool within ${timeoutMs} ms`,
      detail: describe(counts, openError),
      hint: "Keep transactions short, or raise pool_size or pool_checkout_timeout.",
    });
  }
}

function describe(counts: PoolCounts, openError: PoolerError | null): string {
  const { size, active, idle, opening, closing, waiting } = counts;
  const use = `Pool size is ${size}: ${active} active, ${idle} idle, ${opening} opening, ${closing} closing; clients waiting: ${waiting}.`;
  return openError === null
    ? use
    : `${use} The latest attempt to open a server connection failed: ${openError.message}`;
}

/**
 * Whether a client may be bound to its server: asked before a statement goes out whose text says that it will be.
 */

import type { PoolerError } from "../../base/pooler-error.ts";

export interface PinPermit {
  /**
   * Returns null where there is room, which is the client's from now on; else why its statement is refused.
   * @param reasons bits of PIN
   */
  reservePin(reasons: number): PoolerError | null;
}

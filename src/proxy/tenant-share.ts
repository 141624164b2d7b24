/**
 * What all pools of one tenant share.
 */

import type { PoolGroup } from "../pool/pool-group.ts";
import type { StatementInterner } from "../session/statement.ts";

export interface TenantShare {
  /** The statements of all clients. */
  readonly statements: StatementInterner;
  /** How many servers there may be, and the attempts to open more. */
  readonly group: PoolGroup;
}

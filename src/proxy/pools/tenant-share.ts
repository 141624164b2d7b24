/**
 * What all pools of one tenant share.
 */

import type { Permits } from "../../pool/permits.ts";
import type { PoolGroup } from "../../pool/pool-group.ts";
import type { StatementInterner } from "../../session/statements/statement.ts";

export interface PoolShare extends TenantShare {
  /** Names the pool among those of the tenant. */
  readonly key: string;
}

export interface TenantShare {
  /** The statements of all clients. */
  readonly statements: StatementInterner;
  /** How many servers there may be, and the attempts to open more. */
  readonly group: PoolGroup;
  /** Needed for each server, on a node of several workers; null: all servers are this process's own. */
  readonly permits: Permits | null;
}

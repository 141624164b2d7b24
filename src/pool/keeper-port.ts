/**
 * What the ledgers of a worker's permits need of each other, and of the keeper.
 */

import type { PermitOrder, PermitReport } from "./permit-messages.ts";

/** The way to the keeper. What is told comes in order. */
export interface KeeperPort {
  report(report: PermitReport): void;
  /** So many permits are free. */
  returned(group: string, pool: string, count: number): void;
  /** A resource is open; should this worker die, `where` says how it is ended. */
  opened(resource: number, group: string, pool: string, where: unknown): void;
  closed(resource: number): void;
}

/** The ledger of one group, as that of the worker has it. */
export interface LookedAt {
  readonly group: string;
  /** Says what has changed, and gives up what is due. */
  look(): void;
  onOrder(order: PermitOrder): void;
}

/** What a ledger of one group needs of that of the worker. */
export interface LedgerDesk {
  readonly keeper: KeeperPort;
  readonly nowMs: number;
  /** The group is looked at again after a while. */
  lookAgain(ledger: LookedAt): void;
  nextResource(): number;
  forget(ledger: LookedAt): void;
}

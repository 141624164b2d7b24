/**
 * The turn to write: of all writers of a store, in whatever process, one has it.
 */

import type { Transaction } from "kysely";
import type { TenantDatabase } from "./tenant-tables.ts";

/** Waits for the turn, which lasts as long as `transaction`, and returns the revision that it writes. */
export async function nextRevision(transaction: Transaction<TenantDatabase>): Promise<number> {
  const { revision } = await transaction
    .updateTable("store_revision")
    .set((row) => ({ revision: row("revision", "+", 1) }))
    .returning("revision")
    .executeTakeFirstOrThrow();
  return revision;
}

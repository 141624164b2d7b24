/**
 * Puts and deletes tenants inside a transaction, in a few statements however many they are.
 */

import type { Transaction } from "kysely";
import { assert } from "../base/assert.ts";
import { inChunks } from "./in-chunks.ts";
import { readHostnameOwners } from "./read-hostname-owners.ts";
import type { SecretBox } from "./secret-box.ts";
import type { Tenant } from "./tenant.ts";
import { SniHostnameTakenError, type TenantChange } from "./tenant-store.ts";
import { type TenantDatabase, toTenantRow, toUserRow } from "./tenant-tables.ts";

export interface WriteContext {
  /** The revision that these changes make. */
  readonly revision: number;
  /** ISO 8601. */
  readonly now: string;
  /** Returns a fresh UUID. */
  readonly newId: () => string;
  readonly secretBox: SecretBox;
}

/** What a tenant keeps when it is put again. */
interface Origin {
  readonly id: string;
  readonly inserted_at: string;
}

/**
 * Does all of `changes`, at most one for each tenant. Throws SniHostnameTakenError; the caller then
 * rolls back. The caller holds the lock of the revision's row, so nobody else writes meanwhile.
 */
export async function writeChanges(
  transaction: Transaction<TenantDatabase>,
  changes: readonly TenantChange[],
  context: WriteContext,
): Promise<void> {
  const externalIds = changes.map(changedId);
  assert(new Set(externalIds).size === externalIds.length, "a write changes each tenant once");
  const puts = changes.flatMap((change) => (change.kind === "put" ? [change.tenant] : []));
  const origins = await readOrigins(transaction, puts);
  await deleteTenants(transaction, externalIds);
  await leaveClusters(transaction, changes);
  await refuseTakenHostnames(transaction, puts);
  await insertTenants(transaction, puts, origins, context);
  await insertUsers(transaction, puts, context);
  await noteChanges(transaction, externalIds, context.revision);
}

/** Returns whom a change is about. */
export function changedId(change: TenantChange): string {
  return change.kind === "put" ? change.tenant.external_id : change.externalId;
}

async function readOrigins(
  transaction: Transaction<TenantDatabase>,
  puts: readonly Tenant[],
): Promise<ReadonlyMap<string, Origin>> {
  const origins = new Map<string, Origin>();
  const externalIds = puts.map((tenant) => tenant.external_id);
  await inChunks(externalIds, async (chunk) => {
    const rows = await transaction
      .selectFrom("tenants")
      .select(["external_id", "id", "inserted_at"])
      .where("external_id", "in", chunk)
      .execute();
    for (const { external_id, ...origin } of rows) origins.set(external_id, origin);
  });
  return origins;
}

/** Their users go with them: the foreign key cascades. */
function deleteTenants(
  transaction: Transaction<TenantDatabase>,
  externalIds: readonly string[],
): Promise<void> {
  return inChunks(externalIds, (chunk) =>
    transaction.deleteFrom("tenants").where("external_id", "in", chunk).execute(),
  );
}

/** A tenant that is only put stays in its cluster. */
function leaveClusters(
  transaction: Transaction<TenantDatabase>,
  changes: readonly TenantChange[],
): Promise<void> {
  const deleted = changes.flatMap((change) =>
    change.kind === "delete" ? [change.externalId] : [],
  );
  return inChunks(deleted, (chunk) =>
    transaction.deleteFrom("cluster_tenants").where("tenant_external_id", "in", chunk).execute(),
  );
}

/** What is left in the table now are the tenants that this write does not change. */
async function refuseTakenHostnames(
  transaction: Transaction<TenantDatabase>,
  puts: readonly Tenant[],
): Promise<void> {
  const owners = new Map<string, string>();
  for (const { external_id, sni_hostname } of puts) {
    if (sni_hostname === null) continue;
    const owner = owners.get(sni_hostname);
    if (owner !== undefined) throw new SniHostnameTakenError(sni_hostname, owner);
    owners.set(sni_hostname, external_id);
  }
  for (const [hostname, owner] of await readHostnameOwners(transaction, [...owners.keys()]))
    throw new SniHostnameTakenError(hostname, owner);
}

function insertTenants(
  transaction: Transaction<TenantDatabase>,
  puts: readonly Tenant[],
  origins: ReadonlyMap<string, Origin>,
  { now, newId }: WriteContext,
): Promise<void> {
  const rows = puts.map((tenant) => {
    const origin = origins.get(tenant.external_id) ?? { id: newId(), inserted_at: now };
    return { ...toTenantRow(tenant, now), ...origin };
  });
  return inChunks(rows, (chunk) => transaction.insertInto("tenants").values(chunk).execute());
}

/** Sealed a chunk at a time: all the users of many tenants would be large. */
function insertUsers(
  transaction: Transaction<TenantDatabase>,
  puts: readonly Tenant[],
  { secretBox }: WriteContext,
): Promise<void> {
  const owned = puts.flatMap(({ external_id, users }) =>
    users.map((user) => ({ externalId: external_id, user })),
  );
  return inChunks(owned, (chunk) =>
    transaction
      .insertInto("users")
      .values(chunk.map(({ externalId, user }) => toUserRow(externalId, user, secretBox)))
      .execute(),
  );
}

async function noteChanges(
  transaction: Transaction<TenantDatabase>,
  externalIds: readonly string[],
  revision: number,
): Promise<void> {
  await inChunks(externalIds, async (chunk) => {
    await transaction.deleteFrom("tenant_changes").where("external_id", "in", chunk).execute();
    const rows = chunk.map((external_id) => ({ external_id, revision }));
    await transaction.insertInto("tenant_changes").values(rows).execute();
  });
}

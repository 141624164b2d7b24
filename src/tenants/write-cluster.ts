/**
 * Puts a cluster inside a transaction, whose caller holds the lock of the revision's row.
 */

import type { Transaction } from "kysely";
import type { Cluster } from "./cluster.ts";
import { ClusterMemberError } from "./cluster-store.ts";
import type { TenantDatabase } from "./tenant-tables.ts";

export interface ClusterWriteContext {
  /** ISO 8601. */
  readonly now: string;
  /** Returns a fresh UUID. */
  readonly newId: () => string;
}

/** Puts `cluster` in place of what there was. Throws ClusterMemberError; the caller then rolls back. */
export async function writeCluster(
  transaction: Transaction<TenantDatabase>,
  cluster: Cluster,
  context: ClusterWriteContext,
): Promise<void> {
  await refuseMembers(transaction, cluster);
  await replaceCluster(transaction, cluster, context);
}

/** A tenant has to exist, and is in one cluster only. */
async function refuseMembers(
  transaction: Transaction<TenantDatabase>,
  { alias, cluster_tenants: members }: Cluster,
): Promise<void> {
  const externalIds = members.map((member) => member.tenant_external_id);
  if (externalIds.length === 0) return;
  const existing = await transaction
    .selectFrom("tenants")
    .select("external_id")
    .where("external_id", "in", externalIds)
    .execute();
  const known = new Set(existing.map(({ external_id }) => external_id));
  const missing = externalIds.find((externalId) => !known.has(externalId));
  if (missing !== undefined) throw new ClusterMemberError(missing, null);
  const elsewhere = await transaction
    .selectFrom("cluster_tenants")
    .select(["tenant_external_id", "cluster_alias"])
    .where("tenant_external_id", "in", externalIds)
    .where("cluster_alias", "!=", alias)
    .executeTakeFirst();
  if (elsewhere !== undefined)
    throw new ClusterMemberError(elsewhere.tenant_external_id, elsewhere.cluster_alias);
}

async function replaceCluster(
  transaction: Transaction<TenantDatabase>,
  { alias, active, cluster_tenants: members }: Cluster,
  { now, newId }: ClusterWriteContext,
): Promise<void> {
  const before = await transaction
    .selectFrom("clusters")
    .select(["id", "inserted_at"])
    .where("alias", "=", alias)
    .executeTakeFirst();
  const origin = before ?? { id: newId(), inserted_at: now };
  await transaction.deleteFrom("clusters").where("alias", "=", alias).execute();
  await transaction
    .insertInto("clusters")
    .values({ alias, active, ...origin, updated_at: now })
    .execute();
  if (members.length === 0) return;
  const rows = members.map(({ type, active: isUsed, tenant_external_id }, position) => ({
    type,
    active: isUsed,
    tenant_external_id,
    id: newId(),
    cluster_alias: alias,
    position,
    inserted_at: now,
    updated_at: now,
  }));
  await transaction.insertInto("cluster_tenants").values(rows).execute();
}

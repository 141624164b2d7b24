/**
 * Clusters over any SQL engine that kysely speaks to. A write takes the same turn as the writes of tenants:
 * whoever counts up the revision is the only writer.
 */

import type { Kysely, Transaction } from "kysely";
import type { Random } from "../base/random.ts";
import type { WallClock } from "../base/wall-clock.ts";
import type { Cluster, StoredCluster, StoredClusterMember } from "./cluster.ts";
import { ClusterMemberError, type ClusterPage, type ClusterStore } from "./cluster-store.ts";
import { nextRevision } from "./next-revision.ts";
import type { ClusterMemberRow, ClusterRow, TenantDatabase } from "./tenant-tables.ts";
import { uuid } from "./uuid.ts";

export interface KyselyClusterStoreParts {
  readonly database: Kysely<TenantDatabase>;
  readonly random: Random;
  readonly wallClock: WallClock;
}

export class KyselyClusterStore implements ClusterStore {
  readonly #database: Kysely<TenantDatabase>;
  readonly #random: Random;
  readonly #wallClock: WallClock;

  constructor(parts: KyselyClusterStoreParts) {
    this.#database = parts.database;
    this.#random = parts.random;
    this.#wallClock = parts.wallClock;
  }

  async get(alias: string): Promise<StoredCluster | null> {
    const row = await this.#database
      .selectFrom("clusters")
      .selectAll()
      .where("alias", "=", alias)
      .executeTakeFirst();
    if (row === undefined) return null;
    const [cluster] = await this.#withMembers([row]);
    return cluster ?? null;
  }

  async list({ after, limit }: ClusterPage): Promise<readonly StoredCluster[]> {
    const rows = await this.#database
      .selectFrom("clusters")
      .selectAll()
      .where("alias", ">", after ?? "")
      .orderBy("alias")
      .limit(limit)
      .execute();
    return this.#withMembers(rows);
  }

  async put(cluster: Cluster): Promise<void> {
    await this.#database.transaction().execute(async (transaction) => {
      await nextRevision(transaction);
      await refuseMembers(transaction, cluster);
      await this.#replace(transaction, cluster);
    });
  }

  async delete(alias: string): Promise<void> {
    await this.#database.transaction().execute(async (transaction) => {
      await nextRevision(transaction);
      await transaction.deleteFrom("clusters").where("alias", "=", alias).execute();
    });
  }

  async #replace(transaction: Transaction<TenantDatabase>, cluster: Cluster): Promise<void> {
    const { alias, active, cluster_tenants: members } = cluster;
    const now = this.#wallClock.iso();
    const before = await transaction
      .selectFrom("clusters")
      .select(["id", "inserted_at"])
      .where("alias", "=", alias)
      .executeTakeFirst();
    const origin = before ?? { id: this.#newId(), inserted_at: now };
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
      id: this.#newId(),
      cluster_alias: alias,
      position,
      inserted_at: now,
      updated_at: now,
    }));
    await transaction.insertInto("cluster_tenants").values(rows).execute();
  }

  async #withMembers(rows: readonly ClusterRow[]): Promise<StoredCluster[]> {
    if (rows.length === 0) return [];
    const members = await this.#database
      .selectFrom("cluster_tenants")
      .selectAll()
      .where(
        "cluster_alias",
        "in",
        rows.map(({ alias }) => alias),
      )
      .orderBy("position")
      .execute();
    return rows.map((row) => ({
      ...row,
      active: Boolean(row.active),
      cluster_tenants: members
        .filter(({ cluster_alias }) => cluster_alias === row.alias)
        .map(toMember),
    }));
  }

  #newId(): string {
    return uuid(this.#random.bytes(16));
  }
}

function toMember({ position: _position, ...row }: ClusterMemberRow): StoredClusterMember {
  return { ...row, active: Boolean(row.active) };
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

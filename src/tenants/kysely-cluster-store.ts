/**
 * Clusters over any SQL engine that kysely speaks to. A write takes the same turn as the writes of tenants:
 * whoever counts up the revision is the only writer.
 */

import type { Kysely } from "kysely";
import type { Random } from "../base/random.ts";
import type { WallClock } from "../base/wall-clock.ts";
import type { Cluster, StoredCluster, StoredClusterMember } from "./cluster.ts";
import type { ClusterPage, ClusterStore } from "./cluster-store.ts";
import { nextRevision } from "./next-revision.ts";
import type { ClusterMemberRow, ClusterRow, TenantDatabase } from "./tenant-tables.ts";
import { uuid } from "./uuid.ts";
import { writeCluster } from "./write-cluster.ts";

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
      await writeCluster(transaction, cluster, {
        now: this.#wallClock.iso(),
        newId: () => uuid(this.#random.bytes(16)),
      });
    });
  }

  async delete(alias: string): Promise<void> {
    await this.#database.transaction().execute(async (transaction) => {
      await nextRevision(transaction);
      await transaction.deleteFrom("clusters").where("alias", "=", alias).execute();
    });
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
}

function toMember({ position: _position, ...row }: ClusterMemberRow): StoredClusterMember {
  return { ...row, active: Boolean(row.active) };
}

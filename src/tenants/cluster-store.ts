/**
 * Where clusters are kept: beside the tenants, whose store has one of these. A tenant that is deleted leaves
 * its cluster.
 */

import type { Cluster, StoredCluster } from "./cluster.ts";

/** Some of the tenants of a cluster can't be. Nothing was written. */
export class ClusterMemberError extends Error {
  override readonly name = "ClusterMemberError";
  readonly externalId: string;
  /** The cluster that has it; null: there is no such tenant. */
  readonly otherAlias: string | null;

  constructor(externalId: string, otherAlias: string | null) {
    super(
      otherAlias === null
        ? `tenant ${externalId} does not exist`
        : `tenant ${externalId} is in cluster ${otherAlias} already`,
    );
    this.externalId = externalId;
    this.otherAlias = otherAlias;
  }
}

/** A page of {@link ClusterStore.list}, in the order of names. */
export interface ClusterPage {
  /** Only clusters behind this name. */
  readonly after: string | null;
  readonly limit: number;
}

export interface ClusterStore {
  /** Returns the cluster with its tenants in the order in which they were put, or null. */
  get(alias: string): Promise<StoredCluster | null>;
  list(page: ClusterPage): Promise<readonly StoredCluster[]>;
  /** Puts the cluster in place of what there was. Throws ClusterMemberError. */
  put(cluster: Cluster): Promise<void>;
  /** Deleting what does not exist is no error. */
  delete(alias: string): Promise<void>;
}

/**
 * Clusters in memory, for tests of the API.
 */

import type { ClusterVerbs, Page, PublicCluster } from "../../../src/api/verbs.ts";
import type { Actor } from "../../../src/control/audit.ts";
import { InvalidFieldsError, TenantNotFoundError } from "../../../src/control/control-errors.ts";

const NOW = "2026-06-01T00:00:00.000Z";
const ID = "7b2ab9a6-4c6c-4f0b-8ad6-3a8a5a5b8a11";

export class FakeClusters implements ClusterVerbs {
  readonly #clusters = new Map<string, PublicCluster>();

  async list({ after, limit }: Page) {
    const behind = [...this.#clusters.keys()].filter((alias) => alias > (after ?? "")).toSorted();
    const clusters = await Promise.all(behind.slice(0, limit).map((alias) => this.get(alias)));
    return { clusters, next: behind.length > limit ? (behind[limit - 1] ?? null) : null };
  }

  async get(alias: string): Promise<PublicCluster> {
    const cluster = this.#clusters.get(alias);
    if (cluster === undefined) throw new TenantNotFoundError(alias);
    return cluster;
  }

  async put(_: Actor, alias: string, input: unknown) {
    if (typeof input !== "object" || input === null)
      throw new InvalidFieldsError([{ path: [], message: "must be a map of fields" }]);
    const active: unknown = Reflect.get(input, "active") ?? false;
    if (typeof active !== "boolean")
      throw new InvalidFieldsError([{ path: ["active"], message: "must be true or false" }]);
    const outcome = this.#clusters.has(alias) ? ("updated" as const) : ("created" as const);
    const times = { inserted_at: NOW, updated_at: NOW };
    const member = { id: ID, type: "read" as const, active: true, ...times };
    const cluster_tenants = [{ ...member, cluster_alias: alias, tenant_external_id: "acme" }];
    const cluster = { id: ID, alias, active, ...times, cluster_tenants };
    this.#clusters.set(alias, cluster);
    return { outcome, cluster };
  }

  async delete(_: Actor, alias: string): Promise<void> {
    await this.get(alias);
    this.#clusters.delete(alias);
  }
}

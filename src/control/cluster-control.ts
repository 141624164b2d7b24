/**
 * The operator's verbs on clusters, for the API.
 */

import { isDeepStrictEqual } from "node:util";
import { type Cluster, type StoredCluster, validateCluster } from "../tenants/cluster.ts";
import {
  ClusterMemberError,
  type ClusterPage,
  type ClusterStore,
} from "../tenants/cluster-store.ts";
import type { Actor, AuditedChange, AuditLog } from "./audit.ts";
import { ClusterNotFoundError, InvalidFieldsError, StoreAwayError } from "./control-errors.ts";

export interface ClusterControlParts {
  readonly store: ClusterStore;
  readonly audit: AuditLog;
}

/** What became of a cluster that was put. */
export interface PutCluster {
  /** Unchanged: nothing was written. */
  readonly outcome: "created" | "updated" | "unchanged";
  readonly cluster: StoredCluster;
}

export interface ClusterListPage {
  readonly clusters: readonly StoredCluster[];
  /** The `after` of the next page; null: this was the last. */
  readonly next: string | null;
}

/** In our answers, and so perhaps in what comes back; not the operator's to write. */
const READ_ONLY_FIELDS = ["id", "inserted_at", "updated_at", "cluster_alias"] as const;

export class ClusterControl {
  readonly #store: ClusterStore;
  readonly #audit: AuditLog;

  constructor(parts: ClusterControlParts) {
    this.#store = parts.store;
    this.#audit = parts.audit;
  }

  /** Returns a page of clusters in the order of their names. All verbs reject with a StoreAwayError where the store is away. */
  async list(page: ClusterPage): Promise<ClusterListPage> {
    const found = await this.#ask(() => this.#store.list({ ...page, limit: page.limit + 1 }));
    const clusters = found.slice(0, page.limit);
    const more = found.length > page.limit;
    return { clusters, next: more ? (clusters.at(-1)?.alias ?? null) : null };
  }

  /** Rejects with a {@link ClusterNotFoundError}. */
  async get(alias: string): Promise<StoredCluster> {
    const cluster = await this.#ask(() => this.#store.get(alias));
    if (cluster === null) throw new ClusterNotFoundError(alias);
    return cluster;
  }

  /**
   * Makes the cluster, or puts what `input` says, `{active, cluster_tenants}`, in place of what there is; what it
   * leaves out stays. Rejects with InvalidFieldsError.
   */
  async put(actor: Actor, alias: string, input: unknown): Promise<PutCluster> {
    const stored = await this.#ask(() => this.#store.get(alias));
    const cluster = validated(alias, input, stored);
    const before = stored === null ? null : plain(stored);
    if (stored !== null && isDeepStrictEqual(before, cluster))
      return { outcome: "unchanged", cluster: stored };
    await this.#ask(() => this.#store.put(cluster));
    const kind = stored === null ? "create" : "update";
    const changes = changesOf(before, cluster);
    this.#audit.write({ actor, action: `cluster.${kind}`, subject: alias, changes });
    return { outcome: `${kind}d`, cluster: await this.get(alias) };
  }

  /** Its tenants stay. Rejects with a {@link ClusterNotFoundError}. */
  async delete(actor: Actor, alias: string): Promise<void> {
    await this.get(alias);
    await this.#ask(() => this.#store.delete(alias));
    this.#audit.write({ actor, action: "cluster.delete", subject: alias, changes: [] });
  }

  async #ask<Answer>(question: () => Promise<Answer>): Promise<Answer> {
    try {
      return await question();
    } catch (error) {
      if (error instanceof ClusterMemberError) throw invalidMember(error);
      throw new StoreAwayError(error);
    }
  }
}

function validated(alias: string, input: unknown, stored: StoredCluster | null): Cluster {
  if (!isRecord(input))
    throw new InvalidFieldsError([{ path: [], message: "must be a map of fields" }]);
  const before = stored === null ? {} : plain(stored);
  const given = written(input);
  if ("alias" in given && given["alias"] !== alias)
    throw new InvalidFieldsError([
      { path: ["alias"], message: `must be ${alias}, as in the path, or be left out` },
    ]);
  const result = validateCluster({ ...before, ...given, alias });
  if (!result.ok) throw new InvalidFieldsError(result.problems);
  return result.value;
}

/** Without what is ours to write, in the cluster and its tenants. */
function written(input: Readonly<Record<string, unknown>>): Record<string, unknown> {
  const fields = withoutReadOnly(input);
  const members = fields["cluster_tenants"];
  if (Array.isArray(members))
    fields["cluster_tenants"] = members.map((member: unknown) =>
      isRecord(member) ? withoutReadOnly(member) : member,
    );
  return fields;
}

function withoutReadOnly(record: Readonly<Record<string, unknown>>): Record<string, unknown> {
  const names: readonly string[] = READ_ONLY_FIELDS;
  return Object.fromEntries(Object.entries(record).filter(([field]) => !names.includes(field)));
}

function plain({ alias, active, cluster_tenants }: StoredCluster): Cluster {
  return {
    alias,
    active,
    cluster_tenants: cluster_tenants.map(({ type, active: isUsed, tenant_external_id }) => ({
      type,
      active: isUsed,
      tenant_external_id,
    })),
  };
}

function changesOf(before: Cluster | null, after: Cluster): AuditedChange[] {
  const fields = ["active", "cluster_tenants"] as const;
  return fields.flatMap((field) => {
    if (before === null) return [{ field, after: after[field] }];
    if (isDeepStrictEqual(before[field], after[field])) return [];
    return [{ field, before: before[field], after: after[field] }];
  });
}

function invalidMember(error: ClusterMemberError): InvalidFieldsError {
  return new InvalidFieldsError([
    { path: ["cluster_tenants"], message: `cannot have this: ${error.message}` },
  ]);
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/**
 * `carpool import supavisor`: everything in Supavisor's metadata database into the store, in one write, or
 * nothing. Done again, it writes only what has changed meanwhile.
 */

import { isDeepStrictEqual } from "node:util";
import { type Cluster, type StoredCluster } from "../../tenants/cluster.ts";
import { ClusterMemberError } from "../../tenants/cluster-store.ts";
import type { Tenant } from "../../tenants/tenant.ts";
import type { ValidationContext } from "../../tenants/tenant-rules.ts";
import type { TenantStore } from "../../tenants/tenant-store.ts";
import { renderPlan } from "../render-plan.ts";
import { planTenants } from "../tenant-plan.ts";
import { SupavisorKeyError } from "./cloak-secret.ts";
import { rowsBy, type SupavisorRows, textOf } from "./supavisor-rows.ts";
import { translateClusters } from "./translate-clusters.ts";
import { translateTenant } from "./translate-tenant.ts";

export interface ImportSupavisorOptions {
  /** What Supavisor sealed its passwords with. */
  readonly key: Uint8Array;
  /** Writes nothing. */
  readonly dryRun: boolean;
  readonly context: ValidationContext;
}

/** `text` is for the operator, a line for everything that is worth one. */
export interface ImportResult {
  readonly outcome: "invalid" | "unchanged" | "planned" | "imported";
  readonly text: string;
}

interface Translation {
  readonly tenants: readonly Tenant[];
  readonly clusters: readonly Cluster[];
  readonly notes: readonly string[];
  readonly problems: readonly string[];
}

/** Throws SupavisorKeyError if no password opens with the key, and what the store throws. */
export async function importSupavisor(
  store: TenantStore,
  rows: SupavisorRows,
  options: ImportSupavisorOptions,
): Promise<ImportResult> {
  const { tenants, clusters, notes, problems } = translate(rows, options);
  const taken = await takenHostnames(store, tenants);
  if (problems.length + taken.length > 0) return invalid([...problems, ...taken]);
  const base = await store.changeToken();
  const existing = await store.getMany(tenants.map((tenant) => tenant.external_id));
  const plan = planTenants(tenants, existing, false);
  const changed = await changedClusters(store, clusters);
  const lines = [...notes, ...changed.map(describeCluster)];
  if (plan.changes.length + changed.length === 0)
    return { outcome: "unchanged", text: "nothing to do" };
  const text = [...lines, renderPlan(plan.differences)].join("\n");
  if (options.dryRun) return { outcome: "planned", text };
  try {
    await store.write(plan.changes, base, changed);
  } catch (error) {
    if (error instanceof ClusterMemberError) return invalid([`clusters: ${error.message}`]);
    throw error;
  }
  return { outcome: "imported", text };
}

function translate(rows: SupavisorRows, { key, context }: ImportSupavisorOptions): Translation {
  const users = rowsBy(rows.users, "tenant_external_id");
  const tenants: Tenant[] = [];
  const notes: string[] = [];
  const { clusters, problems: clusterProblems } = translateClusters(rows);
  const problems: string[] = [];
  let sealed = 0;
  for (const row of rows.tenants) {
    const name = textOf(row, "external_id");
    const translated = translateTenant(row, users.get(name) ?? [], key, context);
    if (translated.tenant !== null) tenants.push(translated.tenant);
    for (const note of translated.notes) notes.push(`note: tenant ${name}: ${note}`);
    for (const problem of translated.problems) problems.push(`tenant ${name}: ${problem}`);
    sealed += translated.sealed;
  }
  if (sealed > 0 && sealed === rows.users.length)
    throw new SupavisorKeyError(
      "no password of Supavisor can be decrypted: SUPAVISOR_VAULT_ENC_KEY is not the key it was started with",
    );
  return { tenants, clusters, notes, problems: [...problems, ...clusterProblems] };
}

/** Supavisor lets tenants share a host name, which then leads to nobody. */
async function takenHostnames(store: TenantStore, tenants: readonly Tenant[]): Promise<string[]> {
  const imported = new Set(tenants.map((tenant) => tenant.external_id));
  const named = tenants.flatMap(({ external_id, sni_hostname }) =>
    sni_hostname === null ? [] : [{ external_id, sni_hostname }],
  );
  const owners = new Map<string, string>();
  for (const [hostname, owner] of await store.hostnameOwners(named.map((one) => one.sni_hostname)))
    if (!imported.has(owner)) owners.set(hostname, owner);
  return named.flatMap(({ external_id, sni_hostname }) => {
    const owner = owners.get(sni_hostname);
    if (owner === undefined) {
      owners.set(sni_hostname, external_id);
      return [];
    }
    return [`tenant ${external_id}: sni_hostname ${sni_hostname} belongs to tenant ${owner}`];
  });
}

/** One question after the other: they must not take every connection from those who log in. */
async function changedClusters(
  store: TenantStore,
  clusters: readonly Cluster[],
): Promise<Cluster[]> {
  const changed: Cluster[] = [];
  for (const cluster of clusters) {
    // oxlint-disable-next-line no-await-in-loop -- see above
    const stored = await store.clusters.get(cluster.alias);
    if (!isSame(cluster, stored)) changed.push(cluster);
  }
  return changed;
}

function isSame(cluster: Cluster, stored: StoredCluster | null): boolean {
  if (stored === null) return false;
  const { alias, active, cluster_tenants: members } = stored;
  const cluster_tenants = members.map(({ type, active: isUsed, tenant_external_id }) => ({
    type,
    active: isUsed,
    tenant_external_id,
  }));
  return isDeepStrictEqual(cluster, { alias, active, cluster_tenants });
}

function describeCluster({ alias, active, cluster_tenants: members }: Cluster): string {
  const state = active ? "" : ", not active";
  const names = members.map(({ type, active: isUsed, tenant_external_id: name }) =>
    [name, `(${type}${isUsed ? "" : ", not active"})`].join(" "),
  );
  return `cluster ${alias}${state}: ${names.join(", ") || "no tenants"}`;
}

function invalid(problems: readonly string[]): ImportResult {
  return { outcome: "invalid", text: problems.join("\n") };
}

/**
 * From Supavisor's clusters to Carpool's, which have the same fields.
 */

import { type Cluster, validateCluster } from "../../tenants/cluster.ts";
import { formatFieldProblem } from "../../tenants/field-problem.ts";
import { rowsBy, type SupavisorRow, type SupavisorRows, textOf } from "./supavisor-rows.ts";

export interface TranslatedClusters {
  readonly clusters: readonly Cluster[];
  /** A line each; no cluster is left out without one. */
  readonly problems: readonly string[];
}

/** The tenants of a cluster keep their order, which decides who of several is asked. */
export function translateClusters(rows: SupavisorRows): TranslatedClusters {
  const members = rowsBy(rows.clusterTenants, "cluster_alias");
  const clusters: Cluster[] = [];
  const problems: string[] = [];
  for (const row of rows.clusters) {
    const alias = textOf(row, "alias");
    const result = validateCluster({
      alias,
      active: row["active"],
      cluster_tenants: (members.get(alias) ?? []).map(memberOf),
    });
    if (result.ok) clusters.push(result.value);
    else
      for (const problem of result.problems)
        problems.push(`cluster ${alias}: ${formatFieldProblem(problem)}`);
  }
  return { clusters, problems };
}

function memberOf({ type, active, tenant_external_id }: SupavisorRow): object {
  return { type, active, tenant_external_id };
}

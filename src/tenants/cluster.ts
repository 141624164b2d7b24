/**
 * A cluster, as in Supavisor: a name for several tenants which are one database, of which some take writes
 * and others only read. A client of `user.cluster.ALIAS` is led to the first active one that takes writes.
 */

import { z } from "zod";
import { type FieldProblem, type Validation } from "./field-problem.ts";
import { externalIdField, flag, oneOf, sentence } from "./field-schemas.ts";

/** A database with more replicas than this has none that is worth its place. */
const MEMBERS_MAX = 100;

const memberSchema = z.strictObject({
  type: oneOf(["read", "write"]),
  active: flag.default(false),
  tenant_external_id: externalIdField,
});

const clusterSchema = z.strictObject({
  alias: externalIdField,
  active: flag.default(false),
  cluster_tenants: z
    .array(memberSchema, sentence("must be a list of tenants"))
    .max(MEMBERS_MAX, `must have at most ${MEMBERS_MAX} tenants`)
    .readonly()
    .default([]),
});

/** As an operator writes it, with every default filled in. */
export type Cluster = Readonly<z.output<typeof clusterSchema>>;

export type ClusterMember = Readonly<z.output<typeof memberSchema>>;

/** As the store has it. Times are ISO 8601 in UTC. */
export interface StoredCluster extends Omit<Cluster, "cluster_tenants"> {
  readonly id: string;
  readonly inserted_at: string;
  readonly updated_at: string;
  readonly cluster_tenants: readonly StoredClusterMember[];
}

export interface StoredClusterMember extends ClusterMember {
  readonly id: string;
  readonly cluster_alias: string;
  readonly inserted_at: string;
  readonly updated_at: string;
}

/** Checks `input`, the cluster as JSON gave it, with its alias. Never throws. */
export function validateCluster(input: unknown): Validation<Cluster> {
  const parsed = clusterSchema.safeParse(input);
  if (!parsed.success) return { ok: false, problems: parsed.error.issues.flatMap(problemsOf) };
  const twice = namedTwice(parsed.data.cluster_tenants);
  return twice === null ? { ok: true, value: parsed.data } : { ok: false, problems: [twice] };
}

/** Returns where a client of the cluster is led to; null: to nobody. */
export function clusterTarget({ active, cluster_tenants }: Cluster): string | null {
  if (!active) return null;
  const usable = cluster_tenants.filter((member) => member.active);
  const target = usable.find((member) => member.type === "write") ?? usable[0];
  return target?.tenant_external_id ?? null;
}

function problemsOf(issue: z.core.$ZodIssue): FieldProblem[] {
  const path = issue.path.filter((step) => typeof step !== "symbol");
  if (issue.code === "unrecognized_keys")
    return issue.keys.map((key) => ({ path: [...path, key], message: "is not a known field" }));
  if (issue.code === "invalid_type" && issue.expected === "object")
    return [{ path, message: "must be a map of fields" }];
  return [{ path, message: issue.message }];
}

function namedTwice(members: readonly ClusterMember[]): FieldProblem | null {
  const index = members.findIndex(
    ({ tenant_external_id: id }, here) =>
      members.findIndex((other) => other.tenant_external_id === id) < here,
  );
  if (index < 0) return null;
  const path = ["cluster_tenants", index, "tenant_external_id"];
  return { path, message: "is named twice" };
}

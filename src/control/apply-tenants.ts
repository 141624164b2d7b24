/**
 * `carpool apply FILE`: puts the tenants of a file into the store, all of them or none.
 */

import type { StoredTenant, Tenant } from "../tenants/tenant.ts";
import type { ValidationContext } from "../tenants/tenant-rules.ts";
import { allTenants, StoreMovedError, type TenantStore } from "../tenants/tenant-store.ts";
import { renderPlan } from "./render-plan.ts";
import { type FileProblem, formatFileProblem, readTenantFile } from "./tenant-file.ts";
import { planTenants, type TenantDifference, type TenantPlan } from "./tenant-plan.ts";

/** Somebody else may write between plan and write; more often than this in a row, nobody does. */
const ATTEMPTS_MAX = 5;

export interface PutOptions {
  /** The file's name, as problems are to call it. */
  readonly file: string;
  /** Deletes the tenants that are not in the file. */
  readonly prune: boolean;
  /** Writes nothing. */
  readonly dryRun: boolean;
}

export interface ApplyOptions extends PutOptions {
  readonly text: string;
  readonly context: ValidationContext;
}

/** `text` is for the operator; the rest for a program. */
export type ApplyResult =
  | {
      readonly outcome: "invalid";
      readonly problems: readonly FileProblem[];
      readonly text: string;
    }
  | { readonly outcome: "unchanged"; readonly text: string }
  | {
      readonly outcome: "planned" | "applied";
      readonly differences: readonly TenantDifference[];
      readonly text: string;
    };

/** Throws what the store throws: SecretNotOpenedError, StoreMovedError after five attempts. */
export async function applyTenants(
  store: TenantStore,
  options: ApplyOptions,
): Promise<ApplyResult> {
  const read = readTenantFile(options.text, options.file, options.context);
  return read.ok ? putTenants(store, read.tenants, options) : invalid(read.problems);
}

/** The same for tenants that are known to be valid. */
export async function putTenants(
  store: TenantStore,
  tenants: readonly Tenant[],
  options: PutOptions,
): Promise<ApplyResult> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      // oxlint-disable-next-line no-await-in-loop -- again only if somebody else came between
      return await planAndWrite(store, tenants, options);
    } catch (error) {
      if (!(error instanceof StoreMovedError) || attempt === ATTEMPTS_MAX) throw error;
    }
  }
}

async function planAndWrite(
  store: TenantStore,
  tenants: readonly Tenant[],
  options: PutOptions,
): Promise<ApplyResult> {
  const base = await store.changeToken();
  const existing = await readExisting(store, tenants, options.prune);
  const plan = planTenants(tenants, existing, options.prune);
  if (plan.changes.length === 0) return { outcome: "unchanged", text: "nothing to do" };
  const taken = await takenHostnames(store, plan, options.file);
  if (taken.length > 0) return invalid(taken);
  const { differences } = plan;
  const text = renderPlan(differences);
  if (options.dryRun) return { outcome: "planned", differences, text };
  await store.write(plan.changes, base);
  return { outcome: "applied", differences, text };
}

async function readExisting(
  store: TenantStore,
  tenants: readonly Tenant[],
  prune: boolean,
): Promise<readonly StoredTenant[]> {
  if (prune) return Array.fromAsync(allTenants(store));
  return store.getMany(tenants.map((tenant) => tenant.external_id));
}

/** Host names that belong to tenants which the plan leaves alone. */
async function takenHostnames(
  store: TenantStore,
  { changes }: TenantPlan,
  file: string,
): Promise<FileProblem[]> {
  const changed = new Set(
    changes.map((change) =>
      change.kind === "put" ? change.tenant.external_id : change.externalId,
    ),
  );
  const puts = changes.flatMap((change) => (change.kind === "put" ? [change.tenant] : []));
  const owners = await store.hostnameOwners(
    puts.flatMap(({ sni_hostname }) => (sni_hostname === null ? [] : [sni_hostname])),
  );
  return puts.flatMap(({ external_id, sni_hostname }) => {
    const owner = owners.get(sni_hostname ?? "");
    if (owner === undefined || changed.has(owner)) return [];
    const message = `${sni_hostname} belongs to tenant ${owner}`;
    return [
      { file, line: null, tenant: external_id, problem: { path: ["sni_hostname"], message } },
    ];
  });
}

function invalid(problems: readonly FileProblem[]): ApplyResult {
  return { outcome: "invalid", problems, text: problems.map(formatFileProblem).join("\n") };
}

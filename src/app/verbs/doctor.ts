/**
 * `carpool doctor TENANT`: looks into what a client of the tenant would need. Works beside a running Carpool,
 * of which it asks nothing, and changes nothing.
 */

import { closestName } from "../../base/closest-name.ts";
import type { Config } from "../../config/settings.ts";
import { chooseUsers } from "../../control/doctor/choose-users.ts";
import { examineTenant } from "../../control/doctor/examine-tenant.ts";
import { type Finding, Findings } from "../../control/doctor/finding.ts";
import { diagnosisOf, renderFinding, renderSummary } from "../../control/doctor/render-findings.ts";
import { KernelOptions } from "../../net/kernel-options.ts";
import { ServerProbe } from "../../proxy/probe/server-probe.ts";
import { serverAddressOf } from "../../proxy/server/server-address.ts";
import type { StoredTenant } from "../../tenants/tenant.ts";
import type { TenantStore } from "../../tenants/tenant-store.ts";
import { openStore } from "../open-store.ts";
import { type ProgramParts, programParts } from "../program-parts.ts";
import { readAuthority } from "../read-authority.ts";
import { resolvePaths } from "../resolve-paths.ts";

export interface DoctorOptions {
  readonly tenant: string;
  /** The one user to look at; null: all. */
  readonly user: string | null;
  readonly format: "text" | "json";
  /** Takes each line, without its break, as soon as it is known; JSON is one. */
  readonly write: (line: string) => void;
}

/** Who waits at a terminal waits no longer for one step, whatever a tenant's clients are told to do. */
const STEP_TIMEOUT_MS_MAX = 10_000;

/** Names that a misspelt one is compared with. */
const NAMES_MAX = 10_000;

const SILENT = { debug() {}, info() {}, warn() {}, error() {} };

/**
 * Writes what is found. Returns whether there is no problem. Throws what opening the store throws, and the
 * system's error for a file of the settings.
 */
export async function diagnose(
  config: Config,
  workingDirectory: string,
  options: DoctorOptions,
): Promise<boolean> {
  const { tenant, format, write } = options;
  const findings: Finding[] = [];
  for await (const finding of examine(config, workingDirectory, options)) {
    findings.push(finding);
    if (format === "text") write(renderFinding(finding));
  }
  const diagnosis = diagnosisOf(tenant, findings);
  write(format === "text" ? renderSummary(findings) : JSON.stringify(diagnosis, null, 2));
  return diagnosis.ok;
}

async function* examine(
  config: Config,
  workingDirectory: string,
  options: DoctorOptions,
): AsyncGenerator<Finding> {
  const parts = programParts(workingDirectory);
  const resolved = resolvePaths(config, workingDirectory);
  const { store } = await openStore(config, parts);
  try {
    const tenant = await store.get(options.tenant);
    if (tenant === null) yield await unknownTenant(store, options.tenant);
    else yield* examineStored(tenant, resolved, parts, options.user);
  } finally {
    await store.close();
  }
}

async function* examineStored(
  tenant: StoredTenant,
  config: Config,
  { clock, random, wallClock }: ProgramParts,
  userName: string | null,
): AsyncGenerator<Finding> {
  const authority = readAuthority(config);
  const timeoutMs = tenant.server_connect_timeout ?? config.serverConnectTimeoutMs;
  const { users, findings } = chooseUsers(tenant, userName);
  yield* findings;
  yield* examineTenant({
    tenant,
    users,
    userName,
    address: serverAddressOf(tenant, authority),
    probe: new ServerProbe({
      net: { clock, logger: SILENT, kernel: new KernelOptions() },
      random,
      timeoutMs: Math.min(timeoutMs, STEP_TIMEOUT_MS_MAX),
      scramIterationsMax: config.scramIterationsMax,
    }),
    context: { globalUpstreamCa: authority !== null },
    reservePoolSize: config.reservePoolSize,
    wallClock,
  });
}

async function unknownTenant(store: TenantStore, name: string): Promise<Finding> {
  const findings = new Findings("record", "the tenant in the store");
  const tenants = await store.list({ after: null, limit: NAMES_MAX });
  const closest = closestName(
    name,
    tenants.map(({ external_id }) => external_id),
  );
  const found = `there is no tenant ${name}${closest === null ? "" : `: did you mean ${closest}?`}`;
  return findings.problem(
    found,
    '"carpool tenants" lists those there are, "carpool apply FILE" puts others in; DATABASE_URL says which store is looked into.',
  );
}

/**
 * One examination of a tenant that leads to a PostgreSQL of the test.
 */

import { SystemClock } from "../../../../src/app/system/system-clock.ts";
import { SystemRandom } from "../../../../src/app/system/system-random.ts";
import { SystemWallClock } from "../../../../src/app/system/system-wall-clock.ts";
import type { WallClock } from "../../../../src/base/wall-clock.ts";
import { chooseUsers } from "../../../../src/control/doctor/choose-users.ts";
import { examineTenant } from "../../../../src/control/doctor/examine-tenant.ts";
import type { Finding } from "../../../../src/control/doctor/finding.ts";
import { KernelOptions } from "../../../../src/net/kernel-options.ts";
import { ServerProbe } from "../../../../src/proxy/probe/server-probe.ts";
import { serverAddressOf } from "../../../../src/proxy/server/server-address.ts";
import type { StoredTenant } from "../../../../src/tenants/tenant.ts";
import { tenant } from "../../../tenants/fixtures.ts";

export interface ExamineOptions {
  /** The name that `--user` would give. */
  readonly user?: string;
  readonly wallClock?: WallClock;
  readonly timeoutMs?: number;
  /** What was written before the rules of now: fields that validation would refuse. */
  readonly unchecked?: Partial<StoredTenant>;
}

const SILENT = { debug() {}, info() {}, warn() {}, error() {} };
const WRITTEN_AT = "2026-01-01T00:00:00.000Z";

/** Returns all findings about a tenant with these fields. */
export async function examine(
  fields: object,
  options: ExamineOptions = {},
): Promise<readonly Finding[]> {
  const written = { id: "t", inserted_at: WRITTEN_AT, updated_at: WRITTEN_AT };
  const stored = { ...tenant("acme", fields), ...written, ...options.unchecked };
  const userName = options.user ?? null;
  const { users, findings } = chooseUsers(stored, userName);
  const found = examineTenant({
    tenant: stored,
    users,
    userName,
    address: serverAddressOf(stored, null),
    probe: new ServerProbe({
      net: { clock: new SystemClock(), logger: SILENT, kernel: new KernelOptions() },
      random: new SystemRandom(),
      timeoutMs: options.timeoutMs ?? 5000,
      scramIterationsMax: 100_000,
    }),
    context: { globalUpstreamCa: false },
    reservePoolSize: 0,
    wallClock: options.wallClock ?? new SystemWallClock(),
  });
  return [...findings, ...(await Array.fromAsync(found))];
}

/** Those that are not in order: `check: found`. How busy this machine is (`latency`) is no matter of the tenant's. */
export function complaints(findings: readonly Finding[]): string[] {
  return findings
    .filter(({ check, verdict }) => verdict !== "ok" && check !== "latency")
    .map(({ check, found }) => `${check}: ${found}`);
}

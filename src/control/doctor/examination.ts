/**
 * What the checks of one tenant are given.
 */

import type { WallClock } from "../../base/wall-clock.ts";
import type { ServerProbe } from "../../proxy/probe/server-probe.ts";
import type { ServerAddress } from "../../proxy/server/server-address.ts";
import type { StoredTenant } from "../../tenants/tenant.ts";
import type { ValidationContext } from "../../tenants/tenant-rules.ts";
import type { TenantUser } from "../../tenants/tenant-user.ts";

export interface Examination {
  readonly tenant: StoredTenant;
  /** Those whose logins are tried. */
  readonly users: readonly TenantUser[];
  /** The name that `--user` gave. */
  readonly userName: string | null;
  readonly address: ServerAddress;
  readonly probe: ServerProbe;
  readonly context: ValidationContext;
  /** Of pools whose tenants and users say nothing else. */
  readonly reservePoolSize: number;
  readonly wallClock: WallClock;
}

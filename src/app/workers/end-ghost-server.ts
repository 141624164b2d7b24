/**
 * Ends a server whose worker died, as far as that can be done from outside: has PostgreSQL cancel its query.
 */

import { decodeBase64 } from "../../auth/base64.ts";
import type { EndServer } from "../../cluster/ghost-servers.ts";
import type { NetEnvironment } from "../../net/net-environment.ts";
import { deliverNativeCancel } from "../../proxy/native/native-cancel.ts";
import type { ServerWhereabouts } from "../../proxy/server/opened-servers.ts";
import type { ServerAddress } from "../../proxy/server/server-address.ts";
import type { StoredTenant } from "../../tenants/tenant.ts";

export interface GhostEnding {
  readonly environment: NetEnvironment;
  /** Returns the PEM of the authorities that all tenants trust; null: each tenant's own, or the well-known ones. */
  certificateAuthority(): string | null;
  /** Returns the tenant's record; null: there is none any more. */
  findTenant(tenantId: string): Promise<StoredTenant | null>;
}

/** For the way to PostgreSQL, and again for its answer. */
const TIMEOUT_MS = 2000;

const VERSIONS: ReadonlySet<unknown> = new Set(["auto", "v4", "v6"]);
const WAYS: ReadonlySet<unknown> = new Set([null, "none", "peer", "full"]);

class UnknownWhereaboutsError extends Error {
  override readonly name = "UnknownWhereaboutsError";

  constructor() {
    super("a worker of another version says where its server is");
  }
}

export function ghostEnding(ending: GhostEnding): EndServer {
  return async (tenantId, where) => {
    if (!isWhereabouts(where)) throw new UnknownWhereaboutsError();
    const secretKey = decodeBase64(where.secretKey);
    if (secretKey === null) throw new UnknownWhereaboutsError();
    const key = { processId: where.processId, secretKey };
    const address = await addressOf(where, tenantId, ending);
    const { environment } = ending;
    await deliverNativeCancel(key, { address, timeoutMs: TIMEOUT_MS, environment });
  };
}

async function addressOf(
  { hostname, port, ipVersion, verification }: ServerWhereabouts,
  tenantId: string,
  ending: GhostEnding,
): Promise<ServerAddress> {
  if (verification === null) return { hostname, port, ipVersion, tls: null };
  const authority =
    ending.certificateAuthority() ?? (await ending.findTenant(tenantId))?.upstream_tls_ca ?? null;
  return { hostname, port, ipVersion, tls: { verification, certificateAuthority: authority } };
}

function isWhereabouts(where: unknown): where is ServerWhereabouts {
  if (!isRecord(where)) return false;
  const { hostname, port, secretKey, processId } = where;
  const isPlace = typeof hostname === "string" && Number.isInteger(port);
  const isKey = typeof secretKey === "string" && Number.isInteger(processId);
  return isPlace && isKey && VERSIONS.has(where["ipVersion"]) && WAYS.has(where["verification"]);
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null;
}

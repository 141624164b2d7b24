/**
 * Where a tenant's PostgreSQL is and how to speak to it.
 */

import type { TlsVerification } from "../../net/client-tls-handshake.ts";
import type { StoredTenant } from "../../tenants/tenant.ts";

export interface ServerAddress {
  readonly hostname: string;
  readonly port: number;
  readonly ipVersion: "auto" | "v4" | "v6";
  /** Null: no TLS. */
  readonly tls: {
    readonly verification: TlsVerification;
    /** PEM of the authorities to trust; null for the well-known ones. */
    readonly certificateAuthority: string | null;
  } | null;
}

/**
 * Returns where the tenant's PostgreSQL is.
 * @param globalAuthority PEM of the authorities that all tenants trust; null: the tenant's own, or the well-known ones
 */
export function serverAddressOf(
  tenant: StoredTenant,
  globalAuthority: string | null,
): ServerAddress {
  const { db_host: hostname, db_port: port, ip_version: ipVersion } = tenant;
  if (!tenant.upstream_ssl) return { hostname, port, ipVersion, tls: null };
  const certificateAuthority = globalAuthority ?? tenant.upstream_tls_ca;
  const verification = tenant.upstream_verify ?? "none";
  return { hostname, port, ipVersion, tls: { verification, certificateAuthority } };
}

/**
 * Where a tenant's PostgreSQL is and how to speak to it.
 */

import type { TlsVerification } from "../net/client-tls-handshake.ts";

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

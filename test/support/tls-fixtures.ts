/**
 * Certificates and keys for tests, as PEM files made by tls/make-certificates.sh. They expire in 2126.
 */

import { join } from "node:path";

/** Returns the path of a file in the folder of fixtures. */
function fixture(name: string): string {
  return join(import.meta.dir, "tls", name);
}

/** Paths. Keys are P-256 without a passphrase. */
export const TLS_FIXTURES = {
  /** Signed all certificates here but the one of `otherClient`. */
  ca: fixture("ca.crt"),
  /** Signed nothing that a server here shows. */
  otherCa: fixture("other-ca.crt"),
  /** For localhost, 127.0.0.1 and ::1. */
  server: { certificate: fixture("server.crt"), key: fixture("server.key") },
  /** What replaces `server`. Signed with SHA-384, which channel binding must follow. */
  renewedServer: { certificate: fixture("renewed-server.crt"), key: fixture("renewed-server.key") },
  /** For elsewhere.example only. */
  wrongHost: { certificate: fixture("wrong-host.crt"), key: fixture("wrong-host.key") },
  /** For localhost, signed by nobody else. */
  selfSigned: { certificate: fixture("self-signed.crt"), key: fixture("self-signed.key") },
  /** CN=alice. */
  client: { certificate: fixture("client.crt"), key: fixture("client.key") },
  /** CN=alice, signed by `otherCa`. */
  otherClient: { certificate: fixture("other-client.crt"), key: fixture("other-client.key") },
} as const;

/** A certificate of {@link TLS_FIXTURES} and its key. */
export interface CertificatePaths {
  readonly certificate: string;
  readonly key: string;
}

/**
 * Channel binding of type tls-server-end-point (RFC 5929 section 4): the hash of the server's
 * certificate, by which SCRAM-SHA-256-PLUS ties a login to its TLS connection.
 */

import { createHash } from "node:crypto";

/** The one channel binding type that PostgreSQL knows. */
export const TLS_SERVER_END_POINT = "tls-server-end-point";

export interface ChannelBinding {
  readonly type: typeof TLS_SERVER_END_POINT;
  /** The certificate's hash. */
  readonly data: Uint8Array;
}

/** What is read of a certificate. A `node:crypto` X509Certificate is one. */
export interface SignedCertificate {
  /** The certificate in DER. */
  readonly raw: Uint8Array;
  /** OpenSSL's name of it: `sha256WithRSAEncryption`, `ecdsa-with-SHA384`. */
  readonly signatureAlgorithm: string | undefined;
}

/** A truncated hash (`sha512-256`, `SHA512/256`) is another one, hence the end. */
const HASH_IN_NAME = /(md5|sha(?:1|224|256|384|512))(?![0-9/-])/i;

/**
 * Returns the channel binding of a connection whose server showed `certificate`, or null where its
 * signature algorithm names no single hash (Ed25519, RSASSA-PSS): RFC 5929 leaves that undefined, so
 * such a connection has no channel binding.
 */
export function tlsServerEndPoint(certificate: SignedCertificate): ChannelBinding | null {
  const algorithm = endPointHash(certificate.signatureAlgorithm ?? "");
  if (algorithm === null) return null;
  const data = createHash(algorithm).update(certificate.raw).digest();
  return { type: TLS_SERVER_END_POINT, data };
}

/**
 * Returns the name of the hash that RFC 5929 takes for a certificate signed with
 * `signatureAlgorithm`: its own, but SHA-256 in place of MD5 and SHA-1. Null where there is none.
 */
export function endPointHash(signatureAlgorithm: string): string | null {
  const name = HASH_IN_NAME.exec(signatureAlgorithm)?.[1]?.toLowerCase();
  if (name === undefined) return null;
  return name === "md5" || name === "sha1" ? "sha256" : name;
}

/**
 * The channel binding `tls-server-end-point`: https://www.rfc-editor.org/rfc/rfc5929#section-4.1
 */

import { createHash, type X509Certificate } from "node:crypto";

/** OpenSSL's name of a signature algorithm to the hash that the binding uses. MD5 and SHA-1 give way to SHA-256. */
const BINDING_HASHES: ReadonlyMap<string, string> = new Map([
  ["md5WithRSAEncryption", "sha256"],
  ["sha1WithRSAEncryption", "sha256"],
  ["ecdsa-with-SHA1", "sha256"],
  ["sha224WithRSAEncryption", "sha224"],
  ["ecdsa-with-SHA224", "sha224"],
  ["sha256WithRSAEncryption", "sha256"],
  ["ecdsa-with-SHA256", "sha256"],
  ["sha384WithRSAEncryption", "sha384"],
  ["ecdsa-with-SHA384", "sha384"],
  ["sha512WithRSAEncryption", "sha512"],
  ["ecdsa-with-SHA512", "sha512"],
]);

/**
 * Returns the hash of the certificate's DER, or null where its signature algorithm does not name exactly
 * one hash (Ed25519, RSA-PSS): the RFC leaves the binding undefined there.
 */
export function hashCertificate(certificate: X509Certificate): Uint8Array | null {
  const algorithm = certificate.signatureAlgorithm;
  const hash = algorithm === undefined ? undefined : BINDING_HASHES.get(algorithm);
  return hash === undefined ? null : createHash(hash).update(certificate.raw).digest();
}

/**
 * What a finished TLS handshake established.
 */

export interface TlsFacts {
  /** The name the client asked for (SNI), or null where it named none. */
  readonly serverName: string | null;
  /** The application protocol agreed on, or null where the client offered none. */
  readonly alpn: string | null;
  /** As OpenSSL names it: `TLSv1.2`, `TLSv1.3`. */
  readonly version: string;
  /**
   * The channel binding `tls-server-end-point` (RFC 5929 section 4.1): the hash of the certificate that
   * the server's side showed, which is ours on an accepted transport and the peer's on a dialled one.
   * Null where the certificate's signature names no hash: then SCRAM-SHA-256-PLUS is impossible.
   */
  readonly serverCertificateHash: Uint8Array | null;
  /** The server's certificate in DER on a dialled transport; null on an accepted one. */
  readonly peerCertificate: Uint8Array | null;
}

/**
 * How securing a connection can fail. The peer of an accepted transport never sees these (there is no
 * channel left to tell it); for a dialled one they become the reason that a client's login failed.
 */

import { PoolerError } from "../base/pooler-error.ts";
import { SQLSTATE } from "../base/sqlstate.ts";

/** Whom the handshake was with, by PgBouncer's vocabulary. */
export type TlsPeer = "client" | "server";

/** The handshake broke: an alert, garbage, or a connection that ended in the middle. */
export class TlsHandshakeError extends PoolerError {
  /** `reason` is the TLS library's own code or a phrase of ours; it goes to the log only. */
  constructor(peer: TlsPeer, reason: string) {
    super({
      severity: "FATAL",
      sqlstate: SQLSTATE.connection_failure,
      message: `TLS handshake with the ${peerName(peer)} failed`,
      logText: `TLS handshake with the ${peerName(peer)} failed: ${reason}`,
    });
  }
}

/** The handshake was not over in time. */
export class TlsHandshakeTimeoutError extends PoolerError {
  constructor(peer: TlsPeer, timeoutMs: number) {
    super({
      severity: "FATAL",
      sqlstate: SQLSTATE.connection_failure,
      message: `TLS handshake with the ${peerName(peer)} timed out`,
      detail: `The handshake was not complete after ${timeoutMs} ms.`,
    });
  }
}

/** A client began with TLS at once but did not name the protocol, which PostgreSQL demands as well. */
export class TlsAlpnMissingError extends PoolerError {
  constructor() {
    super({
      severity: "FATAL",
      sqlstate: SQLSTATE.protocol_violation,
      message: "received direct SSL connection request without ALPN protocol negotiation extension",
    });
  }
}

/** What was found wanting: of a server's certificate, or of the authority that it is to be verified by. */
export type VerificationFailure = "chain" | "host name" | "authority";

const VERIFICATION_DETAILS: Readonly<Record<VerificationFailure, string>> = {
  chain: "The certificate is not signed by a trusted authority, or is not valid now.",
  "host name": "The certificate is for another host name.",
  authority: "The CA certificate to verify it by is not a PEM certificate.",
};

/** The server's certificate does not prove what the tenant's settings demand. Nothing was sent to that server. */
export class TlsVerificationError extends PoolerError {
  readonly failure: VerificationFailure;
  /** The TLS library's own, such as `CERT_HAS_EXPIRED`. */
  readonly code: string;

  /** `serverName` and the TLS library's `code` go to the log only. */
  constructor(failure: VerificationFailure, serverName: string, code: string) {
    super({
      severity: "FATAL",
      sqlstate: SQLSTATE.connection_failure,
      message: "the database server's TLS certificate was refused",
      detail: VERIFICATION_DETAILS[failure],
      hint: "Check the tenant's upstream_verify and its CA certificate.",
      logText: `TLS certificate of ${serverName} refused (${failure}): ${code}`,
    });
    this.failure = failure;
    this.code = code;
  }
}

function peerName(peer: TlsPeer): string {
  return peer === "client" ? "client" : "database server";
}

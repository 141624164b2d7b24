/**
 * Why a probe of a tenant's PostgreSQL did not get any further, by kinds that something can be done about.
 */

import { PoolerError } from "../../base/pooler-error.ts";
import { ConnectError } from "../../net/connect-error.ts";
import {
  TlsHandshakeError,
  TlsHandshakeTimeoutError,
  TlsVerificationError,
} from "../../net/tls-errors.ts";
import {
  MissingServerPasswordError,
  ServerLoginProtocolError,
  ServerRefusedLoginError,
  UnsupportedServerAuthenticationError,
  VerifierMismatchError,
} from "../../session/login/server-login-errors.ts";
import { ServerTlsAnswerError, ServerTlsRefusedError } from "../server/open-server-transport.ts";
import { ServerClosedDuringLoginError, ServerLoginTimeoutError } from "../server/server-opening.ts";
import {
  ProbeClosedError,
  ProbeProtocolError,
  ProbeQueryError,
  ProbeTimeoutError,
} from "./probe-errors.ts";

export type ProbeFailureKind =
  | "host not found"
  | "connection refused"
  | "connection timed out"
  | "unreachable"
  | "no TLS"
  | "TLS failed"
  | "TLS timed out"
  | "certificate expired"
  | "certificate not yet valid"
  | "certificate of another host"
  | "certificate of an unknown authority"
  | "unusable CA certificate"
  | "login refused"
  | "login timed out"
  | "no usable secret"
  | "another verifier"
  | "unknown authentication"
  | "query refused"
  | "query timed out"
  | "closed"
  | "not PostgreSQL"
  | "internal";

export interface ProbeFailure {
  readonly kind: ProbeFailureKind;
  /** PostgreSQL's own, where it was PostgreSQL that refused. */
  readonly sqlstate: string | null;
  /** What was said, for the operator. No secret is in it. */
  readonly message: string;
}

const CONNECT_KINDS = {
  refused: "connection refused",
  "timed out": "connection timed out",
  "host not found": "host not found",
  unreachable: "unreachable",
} as const;

/** Codes of the TLS library that say something else than that nobody who is trusted has signed. */
const CHAIN_KINDS: ReadonlyMap<string, ProbeFailureKind> = new Map([
  ["CERT_HAS_EXPIRED", "certificate expired"],
  ["CERT_NOT_YET_VALID", "certificate not yet valid"],
]);

type ErrorClass = abstract new (...values: never[]) => Error;

const KINDS: readonly (readonly [ErrorClass, ProbeFailureKind])[] = [
  [ServerTlsRefusedError, "no TLS"],
  [TlsHandshakeError, "TLS failed"],
  [TlsHandshakeTimeoutError, "TLS timed out"],
  [ServerRefusedLoginError, "login refused"],
  [ServerLoginTimeoutError, "login timed out"],
  [MissingServerPasswordError, "no usable secret"],
  [VerifierMismatchError, "another verifier"],
  [UnsupportedServerAuthenticationError, "unknown authentication"],
  [ProbeQueryError, "query refused"],
  [ProbeTimeoutError, "query timed out"],
  [ProbeClosedError, "closed"],
  [ServerClosedDuringLoginError, "closed"],
  [ServerTlsAnswerError, "not PostgreSQL"],
  [ServerLoginProtocolError, "not PostgreSQL"],
  [ProbeProtocolError, "not PostgreSQL"],
];

/** Returns what `error`, thrown by a probe, was. */
export function probeFailureOf(error: unknown): ProbeFailure {
  if (!(error instanceof PoolerError))
    return { kind: "internal", sqlstate: null, message: String(error) };
  const fromServer = error instanceof ServerRefusedLoginError || error instanceof ProbeQueryError;
  return {
    kind: kindOf(error),
    sqlstate: fromServer ? error.sqlstate : null,
    message: fromServer ? error.message : error.logText,
  };
}

function kindOf(error: PoolerError): ProbeFailureKind {
  if (error instanceof ConnectError) return CONNECT_KINDS[error.failure];
  if (error instanceof TlsVerificationError) {
    if (error.failure === "host name") return "certificate of another host";
    if (error.failure === "authority") return "unusable CA certificate";
    return CHAIN_KINDS.get(error.code) ?? "certificate of an unknown authority";
  }
  return KINDS.find(([known]) => error instanceof known)?.[1] ?? "internal";
}

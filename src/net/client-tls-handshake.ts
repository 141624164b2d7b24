/**
 * The client's side of a handshake: we secure our connection to a server, as strictly as a tenant demands.
 *
 * Two traps of Bun 1.4 shape it. Without `serverName` it checks no host name and calls the peer authorized
 * all the same, so for `full` the name is always given. And with a name that the certificate does not bear it then reports
 * failure even where `rejectUnauthorized` is false, so `none` and `peer` look at the code instead.
 */

import type { X509Certificate } from "node:crypto";
import { isIP } from "node:net";
import type { Socket, TLSOptions, TLSUpgradeOptions } from "bun";
import type { PoolerError } from "../base/pooler-error.ts";
import { hashCertificate } from "./certificate-hash.ts";
import { TlsHandshakeError, TlsVerificationError } from "./tls-errors.ts";
import type { TlsFacts } from "./tls-facts.ts";
import type {
  HandshakeOutcome,
  Securable,
  TlsHandshake,
  TlsSocketHandler,
} from "./tls-handshake.ts";

/**
 * What a server's certificate must prove: nothing (libpq's `require`), that a trusted authority signed it
 * (`verify-ca`), or that as well as its being for the host we dialled (`verify-full`).
 */
export type TlsVerification = "none" | "peer" | "full";

/** How to secure a connection to a server. */
export interface ClientTlsOptions {
  readonly verification: TlsVerification;
  /** The host name or address that was dialled. A name is sent as SNI; either is compared where verification is `full`. */
  readonly serverName: string;
  /** PEM of the authorities to trust, instead of the well-known ones; null for those. */
  readonly certificateAuthority: string | null;
  /** The handshake fails after this time. */
  readonly timeoutMs: number;
}

const WRONG_HOST_NAME = "ERR_TLS_CERT_ALTNAME_INVALID";
/** The TLS library's own failures, as against its verdicts on certificates. */
const PROTOCOL_FAILURE = "EPROTO";

/**
 * Secures a dialled transport whose server has answered `S`. Resolves when the server's certificate has
 * been verified as demanded; nothing has been sent by then. Else rejects with a TlsHandshakeError,
 * TlsHandshakeTimeoutError or TlsVerificationError, and the transport is destroyed.
 * Whoever reads the `S` refuses a chunk that holds more (CVE-2021-23222 seen from the other side).
 */
export async function startClientTls(
  transport: Securable,
  options: ClientTlsOptions,
): Promise<void> {
  if (transport.closed) throw new TlsHandshakeError("server", "the connection was closed");
  const handshake = new ClientTlsHandshake(options);
  transport.secure(handshake);
  await handshake.promise;
}

class ClientTlsHandshake implements TlsHandshake {
  readonly peer = "server";
  readonly timeoutMs: number;
  /** Settles with the outcome. */
  readonly promise: Promise<void>;
  readonly #options: ClientTlsOptions;
  readonly #serverName: string | null;
  readonly #settle: PromiseWithResolvers<void>;

  constructor(options: ClientTlsOptions) {
    this.timeoutMs = options.timeoutMs;
    this.#options = options;
    this.#serverName = serverNameFor(options);
    this.#settle = Promise.withResolvers();
    this.promise = this.#settle.promise;
  }

  upgradeOptions<Data>(data: Data, socket: TlsSocketHandler<Data>): TLSUpgradeOptions<Data> {
    const { verification, certificateAuthority } = this.#options;
    const tls: TLSOptions = {
      serverName: this.#serverName ?? "", // left out, it would be the address all the same
      rejectUnauthorized: verification === "full",
    };
    if (certificateAuthority !== null && verification !== "none") tls.ca = certificateAuthority;
    return { tls, data, socket };
  }

  /** No server asks for a name. */
  select(): undefined {
    return undefined;
  }

  notStarted(reason: string): PoolerError {
    if (this.#options.certificateAuthority === null)
      return new TlsHandshakeError(this.peer, reason);
    return new TlsVerificationError("authority", this.#options.serverName, reason);
  }

  refusal(socket: Socket<unknown>, outcome: HandshakeOutcome): PoolerError | null {
    const { code } = outcome;
    if (code === PROTOCOL_FAILURE || peerCertificateOf(socket) === null)
      return new TlsHandshakeError(this.peer, code ?? "no certificate");
    if (this.#accepts(socket.authorized, outcome)) return null;
    const failure = code === WRONG_HOST_NAME ? "host name" : "chain";
    return new TlsVerificationError(failure, this.#options.serverName, code ?? "not authorized");
  }

  facts(socket: Socket<unknown>): TlsFacts {
    const certificate = peerCertificateOf(socket);
    return {
      serverName: this.#serverName,
      alpn: socket.alpnProtocol || null,
      version: socket.getTLSVersion(),
      serverCertificateHash: certificate === null ? null : hashCertificate(certificate),
      peerCertificate: certificate?.raw ?? null,
    };
  }

  secured(): void {
    this.#settle.resolve();
  }

  failed(error: PoolerError): void {
    this.#settle.reject(error);
  }

  #accepts(authorized: boolean, outcome: HandshakeOutcome): boolean {
    const { verification } = this.#options;
    if (verification === "none") return true;
    if (verification === "full") return outcome.success && authorized;
    // The library looks at the chain first, so a wrong name means that the chain was good.
    return authorized || outcome.code === WRONG_HOST_NAME;
  }
}

/**
 * An address is no name for SNI (RFC 6066 section 3; libpq sends none either), but Bun sends what it is to
 * compare: so an address is passed on only where it must be compared.
 */
function serverNameFor(options: ClientTlsOptions): string | null {
  const { verification, serverName } = options;
  return verification === "full" || isIP(serverName) === 0 ? serverName : null;
}

/** Null where the handshake did not come as far as that; Bun's types leave it out. */
function peerCertificateOf(socket: Socket<unknown>): X509Certificate | null {
  const certificate: X509Certificate | undefined = socket.getPeerX509Certificate();
  return certificate ?? null;
}

/**
 * The server's side of a handshake: a client secures its connection to us.
 *
 * Bun 1.4 offers in-place upgrade with SNI and with a ClientHello that was read already only through
 * options outside its types (`isServer`, `initialData`, `serverName`); the tests of this room pin them.
 */

import type { Socket, SocketHandler, TLSOptions, TLSUpgradeOptions } from "bun";
import type { PoolerError } from "../base/pooler-error.ts";
import type { TlsContexts, TlsIdentity } from "./tls-contexts.ts";
import { TlsAlpnMissingError, TlsHandshakeError } from "./tls-errors.ts";
import type { TlsFacts } from "./tls-facts.ts";
import type { HandshakeOutcome, TlsHandshake } from "./tls-handshake.ts";

/** PostgreSQL's ALPN name as TLS puts it on the wire: a length byte, then the name. */
const ALPN_WIRE = "\x0apostgresql";

/** Who is told how a client's handshake went. Exactly one of the two is called. */
export interface TlsHandshakeHandler {
  /** The transport is open again; what it carries is encrypted from here on. */
  onSecured(): void;
  /** The transport is destroyed right after this call; its `onClosed` comes then. */
  onHandshakeFailed(error: PoolerError): void;
}

/** How to answer a client's handshake. */
export interface ServerTlsOptions {
  readonly contexts: TlsContexts;
  /** The handshake fails after this time. */
  readonly timeoutMs: number;
  readonly handler: TlsHandshakeHandler;
}

/** What `upgradeTLS` takes on the server's side beyond its types. */
export interface ServerUpgradeOptions<Data> extends TLSUpgradeOptions<Data> {
  readonly isServer: true;
  readonly initialData: Uint8Array | undefined;
  readonly tls: TLSOptions & { readonly secureContext: unknown };
}

/** `serverName` gets the socket's data first, may come before `upgradeTLS` returns, and returns a native context. */
export interface ServerSocketHandler<Data> extends SocketHandler<Data> {
  serverName(data: Data, serverName: string): unknown;
}

export class ServerTlsHandshake implements TlsHandshake {
  readonly peer = "client";
  readonly timeoutMs: number;
  readonly #contexts: TlsContexts;
  readonly #handler: TlsHandshakeHandler;
  readonly #clientHello: Uint8Array | null;
  #identity: TlsIdentity;

  /** `clientHello` is what a direct negotiation began with, or null after an SSLRequest. */
  constructor(options: ServerTlsOptions, clientHello: Uint8Array | null) {
    this.timeoutMs = options.timeoutMs;
    this.#contexts = options.contexts;
    this.#handler = options.handler;
    this.#clientHello = clientHello;
    this.#identity = options.contexts.select(null);
  }

  /** Returns what `upgradeTLS` needs. */
  upgradeOptions<Data>(data: Data, socket: SocketHandler<Data>): ServerUpgradeOptions<Data> {
    return {
      isServer: true,
      initialData: this.#clientHello ?? undefined,
      tls: { secureContext: this.#identity.context, ALPNProtocols: ALPN_WIRE },
      data,
      socket,
    };
  }

  /** Chooses the certificate for the name that the client asked for. Returns its native context. */
  select(serverName: string): unknown {
    this.#identity = this.#contexts.select(serverName);
    return this.#identity.context;
  }

  notStarted(reason: string): PoolerError {
    return new TlsHandshakeError(this.peer, reason);
  }

  refusal(socket: Socket<unknown>, outcome: HandshakeOutcome): PoolerError | null {
    // We ask for no client certificate, so `code` says that there is none even on success.
    if (!outcome.success) return new TlsHandshakeError(this.peer, outcome.code ?? "no reason");
    // As PostgreSQL: after SSLRequest ALPN is optional, since clients before 17 know none.
    const direct = this.#clientHello !== null;
    return direct && alpnOf(socket) === null ? new TlsAlpnMissingError() : null;
  }

  facts(socket: Socket<unknown>): TlsFacts {
    return {
      serverName: socket.getServername() || null,
      alpn: alpnOf(socket),
      version: socket.getTLSVersion(),
      serverCertificateHash: this.#identity.certificateHash,
      peerCertificate: null,
    };
  }

  secured(): void {
    this.#handler.onSecured();
  }

  failed(error: PoolerError): void {
    this.#handler.onHandshakeFailed(error);
  }
}

function alpnOf(socket: Socket<unknown>): string | null {
  return socket.alpnProtocol || null;
}

/**
 * The server's side of a handshake: a client secures its connection to us.
 *
 * Bun 1.4 offers in-place upgrade with SNI and with a ClientHello that was read already only through
 * options outside its types (`isServer`, `initialData`, `serverName`); the tests of this room pin them.
 */

import type { Socket, TLSOptions, TLSUpgradeOptions } from "bun";
import type { PoolerError } from "../base/pooler-error.ts";
import type { TlsContexts, TlsIdentity } from "./tls-contexts.ts";
import { TlsAlpnMissingError, TlsHandshakeError } from "./tls-errors.ts";
import type { TlsFacts } from "./tls-facts.ts";
import type {
  HandshakeOutcome,
  Securable,
  TlsHandshake,
  TlsSocketHandler,
} from "./tls-handshake.ts";

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
interface ServerUpgradeOptions<Data> extends TLSUpgradeOptions<Data> {
  readonly isServer: true;
  readonly initialData: Uint8Array | undefined;
  readonly tls: TLSOptions & { readonly secureContext: unknown };
}

/**
 * Secures an accepted transport. After an SSLRequest, write the byte `S` first and pass null; for a client
 * that began with TLS at once (byte 0x16), pass the chunk that was read: ALPN is then obligatory.
 *
 * Nothing that was read before TLS may be used after it (CVE-2021-23222). The transport keeps no input,
 * so the caller holds everything that came in the clear: unless the chunk ended with the SSLRequest, the
 * client stuffed the buffer and must be refused. What comes later goes to the TLS library alone.
 */
export function startServerTls(
  transport: Securable,
  options: ServerTlsOptions,
  clientHello: Uint8Array | null,
): void {
  transport.secure(new ServerTlsHandshake(options, clientHello));
}

class ServerTlsHandshake implements TlsHandshake {
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

  upgradeOptions<Data>(data: Data, socket: TlsSocketHandler<Data>): ServerUpgradeOptions<Data> {
    return {
      isServer: true,
      initialData: this.#clientHello ?? undefined,
      tls: { secureContext: this.#identity.context, ALPNProtocols: ALPN_WIRE },
      data,
      socket,
    };
  }

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

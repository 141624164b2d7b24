/**
 * The beginning of a client's connection: the header of a load balancer that is trusted, TLS, cancel, an HTTP probe, or the one StartupMessage; then
 * its tenant is looked up and its channel opened at the owner. After that the edge moves bytes only.
 */

import type { Clock, Timer } from "../base/clock.ts";
import type { Logger } from "../base/logger.ts";
import { PoolerError } from "../base/pooler-error.ts";
import type { ChannelHandler } from "../net/channel.ts";
import type { ChannelOpening, ChannelOwner, PortMode } from "../net/channel-opening.ts";
import { startServerTls, type TlsHandshakeHandler } from "../net/server-tls-handshake.ts";
import type { TlsContexts } from "../net/tls-contexts.ts";
import type { Transport } from "../net/transport.ts";
import { errorResponseOf } from "../wire/backend/error-response.ts";
import { readUint32 } from "../wire/bytes.ts";
import { readCancelRequest } from "../wire/frontend/cancel-request.ts";
import {
  readStartupMessage,
  type StartupMessage,
  startupParameter,
} from "../wire/frontend/startup-message.ts";
import { ProtocolError } from "../wire/protocol-error.ts";
import { parseStartupOptions } from "../wire/startup-options.ts";
import { classifyStartup } from "../wire/startup-packet.ts";
import type { ClientGate } from "./client-gate.ts";
import { EdgeFaultError, StartupTimeoutError } from "./edge-errors.ts";
import { HTTP_PROBE_ANSWER } from "./http-probe.ts";
import type { ProxyTrust } from "./proxy-trust.ts";
import type { ClientNames, ResolvedTenant, TenantResolver } from "./tenant-resolver.ts";

export interface ClientStartupParts {
  readonly clock: Clock;
  readonly logger: Logger;
  readonly owner: ChannelOwner;
  readonly resolver: TenantResolver;
  /** Null: no certificate is set, and TLS is declined. */
  readonly tls: TlsContexts | null;
  readonly timeoutMs: number;
  readonly gate: ClientGate;
  readonly proxyTrust: ProxyTrust;
}

/** A cancel needs a round trip or two, and one who is refused as many: nobody else is to wait for a place here. */
const SURPLUS_TIMEOUT_MS = 5000;

const YES = Uint8Array.of(0x53);
const NO = Uint8Array.of(0x4e);

const NO_BYTES = new Uint8Array(0);

export class ClientStartup implements ChannelHandler, TlsHandshakeHandler {
  readonly #transport: Transport;
  readonly #portMode: PortMode;
  readonly #parts: ClientStartupParts;
  readonly #deadline: Timer;
  readonly #sinceMs: number;
  readonly #timeoutMs: number;
  #held: boolean;
  #bytes: Uint8Array = NO_BYTES;
  /** What a load balancer says comes first, and once. */
  #proxyHeaderDue = true;
  #sslAsked = false;
  #gssAsked = false;
  /** A TLS handshake is going on: nothing can be said to the client now. */
  #securing = false;
  #over = false;

  constructor(transport: Transport, portMode: PortMode, parts: ClientStartupParts) {
    this.#transport = transport;
    this.#portMode = portMode;
    this.#parts = parts;
    this.#sinceMs = parts.clock.now();
    this.#held = parts.gate.full;
    if (this.#held) parts.gate.hold();
    this.#timeoutMs = this.#held ? Math.min(parts.timeoutMs, SURPLUS_TIMEOUT_MS) : parts.timeoutMs;
    this.#deadline = parts.clock.after(this.#timeoutMs, () =>
      this.#refuse(new StartupTimeoutError(this.#timeoutMs)),
    );
  }

  /** Listens to the client from now on. */
  start(): void {
    this.#transport.handler = this;
  }

  onBytes(bytes: Uint8Array): void {
    if (this.#over) return;
    this.#bytes = this.#bytes.length === 0 ? bytes : Buffer.concat([this.#bytes, bytes]);
    try {
      if (!this.#proxyHeaderDue || this.#takeProxyHeader()) this.#read();
    } catch (error) {
      this.#refuseFor(error);
    }
  }

  onDrained(): void {
    // What is said here never waits.
  }

  onClosed(): void {
    this.#finish();
  }

  /** The StartupMessage comes next, through TLS. */
  onSecured(): void {
    this.#securing = false;
  }

  onHandshakeFailed(error: PoolerError): void {
    if (this.#over) return;
    this.#parts.logger.info(
      { client: this.#transport.remoteAddress, sqlstate: error.sqlstate },
      error.logText,
    );
    this.#finish();
  }

  /** Returns whether there is anything behind it. */
  #takeProxyHeader(): boolean {
    const header = this.#parts.proxyTrust.read(this.#bytes, this.#transport);
    if (header === null) return false;
    this.#proxyHeaderDue = false;
    if (header.source !== null) this.#transport.speaksFor(header.source);
    if (header.length > 0) this.#bytes = this.#bytes.slice(header.length);
    return this.#bytes.length > 0;
  }

  #read(): void {
    const bytes = this.#bytes;
    const kind = classifyStartup(bytes, bytes.length);
    switch (kind) {
      case "Incomplete":
        return;
      case "DirectTLS":
        return this.#startDirectTls();
      case "HTTPRequest":
        return this.#end(HTTP_PROBE_ANSWER);
      case "SSLRequest":
        return this.#onSslRequest();
      case "GSSENCRequest":
        return this.#onGssRequest();
      case "CancelRequest":
        return this.#onCancelRequest();
      case "StartupMessage":
        return this.#onStartupMessage();
      default:
        kind satisfies never;
    }
  }

  /**
   * Bytes behind such a request came in clear text, from whoever wrote them: CVE-2021-3935 and its like.
   * @param request by PostgreSQL's name
   */
  #takeRequest(request: string): void {
    const length = readUint32(this.#bytes, 0);
    if (this.#bytes.length > length)
      throw new ProtocolError(`received unencrypted data after ${request}`);
    this.#bytes = NO_BYTES;
  }

  #onSslRequest(): void {
    if (this.#sslAsked || this.#transport.tls !== null)
      throw new ProtocolError("SSL was requested twice");
    this.#sslAsked = true;
    this.#takeRequest("SSL request");
    const { tls } = this.#parts;
    if (tls === null) return void this.#transport.write(NO, 0, NO.length);
    this.#transport.write(YES, 0, YES.length);
    this.#startTls(tls, null);
  }

  #onGssRequest(): void {
    if (this.#gssAsked || this.#transport.tls !== null)
      throw new ProtocolError("GSSAPI encryption was requested twice");
    this.#gssAsked = true;
    this.#takeRequest("GSSAPI encryption request");
    this.#transport.write(NO, 0, NO.length);
  }

  #startDirectTls(): void {
    const { tls } = this.#parts;
    if (tls === null || this.#sslAsked || this.#gssAsked || this.#transport.tls !== null) {
      throw new ProtocolError("received a direct SSL connection request that is not accepted here");
    }
    const clientHello = this.#bytes;
    this.#bytes = NO_BYTES;
    this.#startTls(tls, clientHello);
  }

  #startTls(contexts: TlsContexts, clientHello: Uint8Array | null): void {
    this.#securing = true;
    startServerTls(
      this.#transport,
      { contexts, timeoutMs: this.#timeoutMs, handler: this },
      clientHello,
    );
  }

  #onCancelRequest(): void {
    const { processId, secretKey } = readCancelRequest(this.#bytes, 0, readUint32(this.#bytes, 0));
    this.#parts.owner.cancel(processId, secretKey);
    this.#end(NO_BYTES);
  }

  #onStartupMessage(): void {
    const length = readUint32(this.#bytes, 0);
    const startup = readStartupMessage(this.#bytes, 0, length);
    const early = this.#bytes.length > length ? this.#bytes.slice(length) : null;
    this.#bytes = NO_BYTES;
    const asked = this.#held ? this.#parts.gate.makeRoom() : null;
    if (asked === null) this.#admit(startup, early);
    else void this.#admitLater(startup, early, asked);
  }

  /** Throws why the client must go. */
  #admit(startup: StartupMessage, early: Uint8Array | null): void {
    const refusal = this.#parts.gate.refusal(this.#held);
    if (refusal !== null) throw refusal;
    this.#release();
    this.#identify(startup, early);
  }

  /** It came when there was no room here; others may have some. */
  async #admitLater(
    startup: StartupMessage,
    early: Uint8Array | null,
    asked: Promise<void>,
  ): Promise<void> {
    this.#transport.pause();
    try {
      await asked;
      if (this.#over) return;
      this.#transport.resume();
      this.#admit(startup, early);
    } catch (error) {
      this.#refuseFor(error);
    }
  }

  #release(): void {
    if (this.#held) this.#parts.gate.release();
    this.#held = false;
  }

  /** At once where the tenant is in memory: a pause and its end cost four system calls. */
  #identify(startup: StartupMessage, early: Uint8Array | null): void {
    const { settings, reference } = parseStartupOptions(startupParameter(startup, "options") ?? "");
    const names = {
      user: startupParameter(startup, "user") ?? "",
      optionsReference: reference,
      sniHostname: this.#transport.tls?.serverName ?? null,
      database: startupParameter(startup, "database") ?? null,
    };
    const found = this.#parts.resolver.peek(names);
    if (found !== null) this.#open(startup, settings, found, early);
    else void this.#openLater(startup, settings, names, early);
  }

  async #openLater(
    startup: StartupMessage,
    optionsSettings: ChannelOpening["optionsSettings"],
    names: ClientNames,
    early: Uint8Array | null,
  ): Promise<void> {
    this.#transport.pause();
    try {
      const found = await this.#parts.resolver.resolve(names);
      if (!this.#over) this.#open(startup, optionsSettings, found, early);
    } catch (error) {
      this.#refuseFor(error);
    }
  }

  #open(
    startup: StartupMessage,
    optionsSettings: ChannelOpening["optionsSettings"],
    { tenant, byDatabase, user, claim, waysTried }: ResolvedTenant,
    early: Uint8Array | null,
  ): void {
    const transport = this.#transport;
    this.#finish();
    this.#parts.owner.open(transport, {
      portMode: this.#portMode,
      protocolMinor: startup.minor,
      // A database that stood for its tenant is no name of a database there.
      parameters: startup.parameters.filter(
        ([name]) => name !== "options" && !(byDatabase && name === "database"),
      ),
      optionsSettings,
      protocolOptions: startup.protocolOptions.map((option) => option[0]),
      /** A system call, for those who ask: to be admitted, most need no address. */
      get remoteAddress() {
        return transport.remoteAddress;
      },
      connectedForMs: this.#parts.clock.now() - this.#sinceMs,
      tls: transport.tls,
      tenant,
      user,
      claim,
      waysTried,
      early,
    });
  }

  #refuseFor(error: unknown): void {
    this.#refuse(error instanceof PoolerError ? error : new EdgeFaultError(error));
  }

  #refuse(error: PoolerError): void {
    if (this.#over) return;
    const { logger } = this.#parts;
    logger.info(
      { client: this.#transport.remoteAddress, sqlstate: error.sqlstate },
      `startup refused: ${error.logText}`,
    );
    this.#end(errorResponseOf(error));
  }

  #end(lastWords: Uint8Array): void {
    this.#finish();
    if (!this.#securing) this.#transport.write(lastWords, 0, lastWords.length);
    this.#transport.close();
  }

  #finish(): void {
    this.#over = true;
    this.#release();
    this.#deadline.cancel();
  }
}

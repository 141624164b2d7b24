/**
 * Native mode: a client and a server of its own, joined byte by byte. PostgreSQL authenticates the
 * client itself. Two things are changed on the way, both before the first ReadyForQuery: the cancel
 * key becomes one of ours, so that a CancelRequest to us finds its way; and SCRAM-SHA-256-PLUS is not
 * offered, because the client's TLS ends here and not at the server.
 */

import { SCRAM_SHA_256_PLUS } from "../auth/scram-mechanism.ts";
import { PoolerError } from "../base/pooler-error.ts";
import type { Channel, ChannelHandler } from "../net/channel.ts";
import type { NetEnvironment } from "../net/net-environment.ts";
import type { Transport } from "../net/transport.ts";
import { SECRET_BYTES } from "../session/cancel-key.ts";
import { type FrameHandler, MessageFramer } from "../session/message-framer.ts";
import { AUTHENTICATION, readAuthenticationKind } from "../wire/backend/authentication-kind.ts";
import {
  readAuthenticationSASL,
  writeAuthenticationSASL,
} from "../wire/backend/authentication-sasl.ts";
import { readBackendKeyData, writeBackendKeyData } from "../wire/backend/backend-key-data.ts";
import { errorResponseOf } from "../wire/backend/error-response.ts";
import { ByteWriter } from "../wire/byte-writer.ts";
import type { CancelKey } from "../wire/cancel-key.ts";
import { writeCancelRequest } from "../wire/frontend/cancel-request.ts";
import { SHORT_REPLY_LENGTH_MAX } from "../wire/limits.ts";
import { BACKEND } from "../wire/message-type.ts";
import type { Cancellable, CancelRegistry, IssuedKey } from "./cancel-registry.ts";
import { openServerTransport } from "./open-server-transport.ts";
import { InternalError } from "./proxy-errors.ts";
import type { ServerAddress } from "./server-address.ts";

export interface NativePipeOptions {
  readonly channel: Channel;
  readonly address: ServerAddress;
  readonly connectTimeoutMs: number;
  /** What to send first: the client's StartupMessage with the server's names in it. */
  readonly startup: Uint8Array;
  /** What the client sent behind its StartupMessage. */
  readonly early: Uint8Array | null;
  readonly cancels: CancelRegistry;
  readonly environment: NetEnvironment;
  readonly onOver: () => void;
}

export class NativePipe implements ChannelHandler, Cancellable {
  readonly #options: NativePipeOptions;
  /** What the client was given in place of the server's key; null until the server has sent one. */
  #key: IssuedKey | null = null;
  #server: Transport | null = null;
  #serverKey: CancelKey | null = null;
  #over = false;

  /** Begins at once. */
  constructor(options: NativePipeOptions) {
    this.#options = options;
    options.channel.handler = this;
    options.channel.pause();
    void this.#open();
  }

  onBytes(bytes: Uint8Array): void {
    if (this.#server !== null && !this.#server.write(bytes, 0, bytes.length))
      this.#options.channel.pause();
  }

  onDrained(): void {
    this.#server?.resume();
  }

  onClosed(): void {
    this.#leave();
    this.#server?.close();
  }

  cancel(): void {
    if (this.#serverKey !== null) void this.#cancel(this.#serverKey);
  }

  /** Ends the connection and says why. */
  end(error: PoolerError): void {
    if (this.#over) return;
    const message = errorResponseOf(error);
    this.#options.channel.write(message, 0, message.length);
    this.#options.channel.close();
    this.#server?.destroy();
    this.#leave();
  }

  /** Nobody reads along, so nobody knows whether a transaction runs: a pipe ends when its peers do. */
  endWhenIdle(): void {
    // Whoever drains ends what is left when its time is over.
  }

  /** The server's side is gone. */
  onServerClosed(): void {
    this.#server = null;
    this.#options.channel.close();
    this.#leave();
  }

  /** The server takes bytes again. */
  onServerDrained(): void {
    this.#options.channel.resume();
  }

  /**
   * Returns the message to send to the client instead of the server's BackendKeyData. The server knows
   * which version was negotiated: where its own key is long, the client can take a long one.
   */
  replaceKey(key: CancelKey): Uint8Array {
    const { cancels } = this.#options;
    const long = key.secretKey.length > SECRET_BYTES.v3_0;
    this.#serverKey = key;
    this.#key ??= cancels.issue(this, long ? SECRET_BYTES.v3_2 : SECRET_BYTES.v3_0);
    const writer = new ByteWriter();
    writeBackendKeyData(writer, this.#key);
    return writer.take();
  }

  async #open(): Promise<void> {
    const { address, connectTimeoutMs, environment, startup, early, channel } = this.#options;
    try {
      const server = await openServerTransport(address, connectTimeoutMs, environment);
      if (this.#over) return server.destroy();
      this.#server = server;
      server.handler = new NativeServer(this, server, channel);
      server.write(startup, 0, startup.length);
      if (early !== null) server.write(early, 0, early.length);
      channel.resume();
    } catch (error) {
      this.end(error instanceof PoolerError ? error : new InternalError(error));
    }
  }

  async #cancel(key: CancelKey): Promise<void> {
    const { address, connectTimeoutMs, environment } = this.#options;
    try {
      const transport = await openServerTransport(address, connectTimeoutMs, environment);
      const writer = new ByteWriter();
      writeCancelRequest(writer, key);
      const request = writer.take();
      transport.write(request, 0, request.length);
      transport.close();
    } catch (error) {
      // As with PostgreSQL: a cancel that can't be delivered does nothing.
      environment.logger.debug(
        {},
        `a cancel was not delivered: ${error instanceof Error ? error.message : ""}`,
      );
    }
  }

  #leave(): void {
    if (this.#over) return;
    this.#over = true;
    if (this.#key !== null) this.#options.cancels.revoke(this.#key);
    this.#options.onOver();
  }
}

/** The server's side: reads messages until the client is in, then bytes. */
class NativeServer implements ChannelHandler, FrameHandler {
  readonly #pipe: NativePipe;
  readonly #server: Transport;
  readonly #channel: Channel;
  #framer: MessageFramer | null;
  /** Something of the present chunk is held back by the client's side. */
  #blocked = false;

  constructor(pipe: NativePipe, server: Transport, channel: Channel) {
    this.#pipe = pipe;
    this.#server = server;
    this.#channel = channel;
    this.#framer = new MessageFramer(this, SHORT_REPLY_LENGTH_MAX, 0);
  }

  onBytes(bytes: Uint8Array): void {
    this.#blocked = false;
    if (this.#framer === null) this.#pass(bytes, 0, bytes.length);
    else this.#framer.feed(bytes);
    if (this.#blocked) this.#server.pause();
  }

  onDrained(): void {
    this.#pipe.onServerDrained();
  }

  onClosed(): void {
    this.#pipe.onServerClosed();
  }

  neededBytes(_type: number, messageBytes: number): number {
    return messageBytes;
  }

  onMessage(type: number, bytes: Uint8Array, start: number, end: number): boolean {
    const replacement = this.#replacement(type, bytes, start, end);
    if (replacement === null) this.#pass(bytes, start, end);
    else this.#pass(replacement, 0, replacement.length);
    if (type === BACKEND.ReadyForQuery) this.#passAllFromHere(bytes, end);
    return true;
  }

  onContinuation(): void {
    // Every message of a login is read whole.
  }

  onMalformed(): void {
    this.#server.destroy();
  }

  #replacement(type: number, bytes: Uint8Array, start: number, end: number): Uint8Array | null {
    if (type === BACKEND.BackendKeyData)
      return this.#pipe.replaceKey(readBackendKeyData(bytes, start, end));
    if (type !== BACKEND.Authentication) return null;
    if (readAuthenticationKind(bytes, start, end) !== AUTHENTICATION.SASL) return null;
    const writer = new ByteWriter();
    const offered = readAuthenticationSASL(bytes, start, end);
    writeAuthenticationSASL(
      writer,
      offered.filter((mechanism) => mechanism !== SCRAM_SHA_256_PLUS),
    );
    return writer.take();
  }

  #passAllFromHere(bytes: Uint8Array, from: number): void {
    this.#framer = null;
    if (from < bytes.length) this.#pass(bytes, from, bytes.length);
  }

  #pass(bytes: Uint8Array, start: number, end: number): void {
    if (!this.#channel.write(bytes, start, end)) this.#blocked = true;
  }
}

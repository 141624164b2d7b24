/**
 * Native mode: a client and a server of its own, joined byte by byte. PostgreSQL authenticates the
 * client itself. Two things are changed on the way, both before the first ReadyForQuery: the cancel
 * key becomes one of ours, so that a CancelRequest to us finds its way; and SCRAM-SHA-256-PLUS is not
 * offered, because the client's TLS ends here and not at the server.
 */

import type { Timer } from "../../base/clock.ts";
import { PoolerError } from "../../base/pooler-error.ts";
import type { SqlState } from "../../base/sqlstate.ts";
import type { Channel, ChannelHandler } from "../../net/channel.ts";
import type { NetEnvironment } from "../../net/net-environment.ts";
import type { Transport } from "../../net/transport.ts";
import { SECRET_BYTES } from "../../session/cancel-key.ts";
import { writeBackendKeyData } from "../../wire/backend/backend-key-data.ts";
import { errorResponseOf } from "../../wire/backend/error-response.ts";
import { ByteWriter } from "../../wire/byte-writer.ts";
import type { CancelKey } from "../../wire/cancel-key.ts";
import type { Cancellable, CancelRegistry, IssuedKey } from "../cancel/cancel-registry.ts";
import type { Spoke } from "../client/heartbeats.ts";
import type { OwnedClient } from "../client/session-owner.ts";
import { InternalError } from "../proxy-errors.ts";
import { openServerTransport } from "../server/open-server-transport.ts";
import type { ServerAddress } from "../server/server-address.ts";
import type { ServerRoom } from "../server/server-room.ts";
import { deliverNativeCancel } from "./native-cancel.ts";
import { type NativeLogin, NativeServer } from "./native-server.ts";

export interface NativePipeOptions {
  readonly channel: Channel;
  readonly tenant: string;
  /** The name that the client logged in with, whether the tenant lists it or not. */
  readonly alias: string;
  /** Its server's place among the tenant's. */
  readonly room: ServerRoom;
  /** The interval of its heartbeats as it is now, in seconds; 0: none. */
  readonly heartbeatSeconds: () => number;
  readonly address: ServerAddress;
  readonly connectTimeoutMs: number;
  /** What to send first: the client's StartupMessage with the server's names in it. */
  readonly startup: Uint8Array;
  /** What the client sent behind its StartupMessage. */
  readonly early: Uint8Array | null;
  readonly cancels: CancelRegistry;
  readonly environment: NetEnvironment;
  /** Ends the client; stopped when it is in. */
  readonly timer: Timer;
  /** PostgreSQL has not let the client in: its SQLSTATE, or null. */
  readonly onRefused: (sqlstate: SqlState | null) => void;
  /** PostgreSQL has let the client in. Rejects with a PoolerError where it may not stay; null: nobody is to be asked. */
  readonly mayStay: () => Promise<void> | null;
  /** It stays. Throws a PoolerError where it may not after all. */
  readonly onReady: () => void;
  /** Called once, at the end. */
  readonly onOver: () => void;
}

export class NativePipe implements ChannelHandler, Cancellable, NativeLogin, OwnedClient {
  quietTurns = 0;
  spoke: Spoke | null = null;
  readonly #options: NativePipeOptions;
  /** What the client was given in place of the server's key; null until the server has sent one. */
  #key: IssuedKey | null = null;
  #server: Transport | null = null;
  #serverKey: CancelKey | null = null;
  /** The server takes no more bytes for now. */
  #serverBlocked = false;
  /** A cancel is on its way: what the client sends now must not be struck by it. */
  #cancelling = false;
  #over = false;

  /** Begins at once. */
  constructor(options: NativePipeOptions) {
    this.#options = options;
    options.channel.handler = this;
    options.channel.pause();
    void this.#open();
  }

  get tenant(): string {
    return this.#options.tenant;
  }

  get alias(): string {
    return this.#options.alias;
  }

  /** Whether it has ended. */
  get over(): boolean {
    return this.#over;
  }

  onBytes(bytes: Uint8Array): void {
    this.quietTurns = 0;
    if (this.#server === null || this.#server.write(bytes, 0, bytes.length)) return;
    this.#serverBlocked = true;
    this.#regulate();
  }

  onDrained(): void {
    this.#server?.resume();
  }

  onClosed(): void {
    this.#leave();
    this.#server?.close();
  }

  /**
   * Cancels what the server runs. The client is not read on until PostgreSQL is done with it: it has been
   * told that its request was taken, and may send the next query.
   */
  cancel(): void {
    if (this.#serverKey === null || this.#cancelling) return;
    this.#cancelling = true;
    this.#regulate();
    void this.#cancel(this.#serverKey);
  }

  get heartbeatSeconds(): number {
    return this.#options.heartbeatSeconds();
  }

  askUnanswered(onAnswer: (unansweredMs: number | null) => void): void {
    this.#options.channel.askUnanswered(onAnswer);
  }

  /** Nobody reads along, so nothing can be told: its machine is asked. */
  beat(silentSeconds: number): void {
    this.#options.channel.probeAfter(silentSeconds);
  }

  lose(): void {
    this.#options.channel.destroy();
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

  /** It has a server of its own, which nobody else has. */
  get mayMove(): boolean {
    return false;
  }

  asMovable(): null {
    return null;
  }

  /** Nobody reads along, so nobody knows whether a transaction runs: a pipe ends when its peers do. */
  endWhenIdle(): void {
    // Whoever drains ends what is left when its time is over.
  }

  /** Asks whether the client, which the server has let in, may stay; null: nobody is to be asked. */
  mayStay(): Promise<void> | null {
    return this.#options.mayStay();
  }

  /** The client is in. Returns whether it may stay; if not, it is gone now. */
  enter(): boolean {
    try {
      this.#options.onReady();
      this.#options.timer.cancel();
      return true;
    } catch (error) {
      this.fail(error);
      return false;
    }
  }

  /** As {@link end}, for whatever was thrown. */
  fail(error: unknown): void {
    this.end(error instanceof PoolerError ? error : new InternalError(error));
  }

  /** The server says that it does not let the client in. */
  refused(sqlstate: SqlState | null): void {
    this.#options.onRefused(sqlstate);
  }

  /** The server's side is gone. */
  onServerClosed(): void {
    this.#server = null;
    this.#options.room.release();
    this.#options.channel.close();
    this.#leave();
  }

  /** The server takes bytes again. */
  onServerDrained(): void {
    this.#serverBlocked = false;
    this.#regulate();
  }

  /**
   * Returns the message to send to the client instead of the server's BackendKeyData. The server knows
   * which version was negotiated: where its own key is long, the client can take a long one.
   */
  replaceKey(key: CancelKey): Uint8Array {
    const { cancels } = this.#options;
    const long = key.secretKey.length > SECRET_BYTES.v3_0;
    this.#serverKey = key;
    this.#options.room.opened(this.#options.address, key);
    this.#key ??= cancels.issue(this, long ? SECRET_BYTES.v3_2 : SECRET_BYTES.v3_0);
    const writer = new ByteWriter();
    writeBackendKeyData(writer, this.#key);
    return writer.take();
  }

  async #open(): Promise<void> {
    const { room, address, connectTimeoutMs, environment, startup, early, channel } = this.#options;
    try {
      await room.take(connectTimeoutMs);
      const server = this.#over
        ? null
        : await openServerTransport(address, connectTimeoutMs, environment);
      if (server === null || this.#over) return this.#abandon(server);
      this.#server = server;
      server.handler = new NativeServer(this, server, channel);
      server.write(startup, 0, startup.length);
      if (early !== null) server.write(early, 0, early.length);
      channel.resume();
    } catch (error) {
      room.release();
      this.fail(error);
    }
  }

  /** The client left before its server was there. */
  #abandon(server: Transport | null): void {
    server?.destroy();
    this.#options.room.release();
  }

  async #cancel(key: CancelKey): Promise<void> {
    const { address, connectTimeoutMs, environment } = this.#options;
    try {
      await deliverNativeCancel(key, { address, timeoutMs: connectTimeoutMs, environment });
    } catch (error) {
      // As with PostgreSQL: a cancel that can't be delivered does nothing.
      environment.logger.debug(
        {},
        `a cancel was not delivered: ${error instanceof Error ? error.message : ""}`,
      );
    }
    this.#cancelling = false;
    this.#regulate();
  }

  /** Lets the client be read on, or not. */
  #regulate(): void {
    if (this.#over) return;
    if (this.#serverBlocked || this.#cancelling) this.#options.channel.pause();
    else this.#options.channel.resume();
  }

  #leave(): void {
    if (this.#over) return;
    this.#over = true;
    this.#options.timer.cancel();
    if (this.#key !== null) this.#options.cancels.revoke(this, this.#key.processId);
    this.#options.onOver();
  }
}

/**
 * One attempt to open a server: dial, TLS, login, under one deadline.
 */

import { TLS_SERVER_END_POINT } from "../auth/channel-binding.ts";
import type { ScramKeys } from "../auth/scram-keys.ts";
import { assert } from "../base/assert.ts";
import type { Timer } from "../base/clock.ts";
import { PoolerError } from "../base/pooler-error.ts";
import { SQLSTATE } from "../base/sqlstate.ts";
import type { ChannelHandler } from "../net/channel.ts";
import type { NetEnvironment } from "../net/net-environment.ts";
import type { Transport } from "../net/transport.ts";
import {
  type ServerCredentials,
  ServerLogin,
  type ServerLoginEvents,
} from "../session/server-login.ts";
import type { CancelKey } from "../wire/cancel-key.ts";
import { openServerTransport } from "./open-server-transport.ts";
import { InternalError } from "./proxy-errors.ts";
import type { ServerAddress } from "./server-address.ts";

/** The server took too long to let us in. */
export class ServerLoginTimeoutError extends PoolerError {
  constructor(timeoutMs: number) {
    super({
      severity: "FATAL",
      sqlstate: SQLSTATE.sqlclient_unable_to_establish_sqlconnection,
      message: "connection to server failed: timeout expired",
      detail: `The server did not complete the login within ${timeoutMs} ms.`,
      hint: "Is the database server overloaded? SERVER_CONNECT_TIMEOUT sets the limit.",
    });
  }
}

export interface ServerOpeningOptions {
  readonly address: ServerAddress;
  readonly credentials: ServerCredentials;
  readonly connectTimeoutMs: number;
  readonly iterationsMax: number;
  readonly clientNonce: string;
  readonly environment: NetEnvironment;
  deriveKeys(password: string, salt: Uint8Array, iterations: number): Promise<ScramKeys>;
}

/** The outcome: exactly one of the two is called. */
export interface ServerOpeningEvents {
  /** The transport's handler must be replaced in this call. */
  onOpened(
    transport: Transport,
    key: CancelKey | null,
    parameters: ReadonlyMap<string, string>,
  ): void;
  /** Nothing is left open. */
  onFailed(error: PoolerError): void;
}

export class ServerOpening implements ChannelHandler, ServerLoginEvents {
  readonly #options: ServerOpeningOptions;
  readonly #events: ServerOpeningEvents;
  readonly #deadline: Timer;
  #transport: Transport | null = null;
  #login: ServerLogin | null = null;
  #error: PoolerError | null = null;
  #over = false;

  constructor(options: ServerOpeningOptions, events: ServerOpeningEvents) {
    this.#options = options;
    this.#events = events;
    this.#deadline = options.environment.clock.after(options.connectTimeoutMs, () =>
      this.#onDeadline(),
    );
  }

  /** The first step. */
  start(): void {
    void this.#open();
  }

  onBytes(bytes: Uint8Array): void {
    this.#login?.feed(bytes);
  }

  onDrained(): void {
    // The messages of a login never wait.
  }

  onClosed(): void {
    this.#finish(this.#error ?? new ServerClosedDuringLoginError());
  }

  send(bytes: Uint8Array): void {
    this.#transport?.write(bytes, 0, bytes.length);
  }

  deriveKeys(password: string, salt: Uint8Array, iterations: number): void {
    void this.#derive(password, salt, iterations);
  }

  onReady(
    key: CancelKey | null,
    parameters: ReadonlyMap<string, string>,
    surplus: Uint8Array | null,
  ): void {
    const transport = this.#transport;
    assert(transport !== null, "a login has its transport");
    if (this.#over) return;
    this.#over = true;
    this.#deadline.cancel();
    this.#events.onOpened(transport, key, parameters);
    if (surplus !== null) transport.handler.onBytes(surplus);
  }

  /** PostgreSQL closes after a refusal; the slot is free when it has. */
  onFailed(error: PoolerError): void {
    this.#error ??= error;
    this.#transport?.close();
  }

  async #open(): Promise<void> {
    const { address, connectTimeoutMs, environment, credentials, clientNonce, iterationsMax } =
      this.#options;
    try {
      const transport = await openServerTransport(address, connectTimeoutMs, environment);
      this.#transport = transport;
      transport.handler = this;
      if (this.#error !== null) return transport.destroy();
      const hash = transport.tls?.serverCertificateHash ?? null;
      const channelBinding =
        hash === null ? null : ({ type: TLS_SERVER_END_POINT, data: hash } as const);
      const encrypted = transport.tls !== null;
      this.#login = new ServerLogin(
        { credentials, channelBinding, encrypted, clientNonce, iterationsMax },
        this,
      );
      this.#login.start();
    } catch (error) {
      const failure = error instanceof PoolerError ? error : new InternalError(error);
      if (this.#transport === null) this.#finish(failure);
      else this.onFailed(failure);
    }
  }

  async #derive(password: string, salt: Uint8Array, iterations: number): Promise<void> {
    try {
      this.#login?.provideKeys(await this.#options.deriveKeys(password, salt, iterations));
    } catch (error) {
      this.onFailed(new InternalError(error));
    }
  }

  /** What comes before the login has the same deadline: the slot is free when nothing is left open. */
  #onDeadline(): void {
    this.#error ??= new ServerLoginTimeoutError(this.#options.connectTimeoutMs);
    this.#transport?.destroy();
  }

  #finish(error: PoolerError): void {
    if (this.#over) return;
    this.#over = true;
    this.#deadline.cancel();
    this.#events.onFailed(error);
  }
}

/** The server closed the connection without a word. */
export class ServerClosedDuringLoginError extends PoolerError {
  constructor() {
    super({
      severity: "FATAL",
      sqlstate: SQLSTATE.connection_failure,
      message: "server closed the connection unexpectedly",
      detail: "It did so before the login was complete.",
      hint: "The log of the PostgreSQL server may say why.",
    });
  }
}

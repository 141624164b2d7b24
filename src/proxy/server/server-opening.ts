/**
 * One attempt to open a server: dial, TLS, login, under one deadline. Where a password is being changed and
 * the server refuses one of the two, the other is tried at once, on a connection of its own; and then the first
 * once more, since the change may have come between the two.
 */

import { TLS_SERVER_END_POINT } from "../../auth/channel-binding.ts";
import type { ScramKeys } from "../../auth/scram-keys.ts";
import { assert } from "../../base/assert.ts";
import type { Timer } from "../../base/clock.ts";
import { PoolerError } from "../../base/pooler-error.ts";
import { SQLSTATE } from "../../base/sqlstate.ts";
import type { ChannelHandler } from "../../net/channel.ts";
import type { NetEnvironment } from "../../net/net-environment.ts";
import type { Transport } from "../../net/transport.ts";
import { ServerLogin, type ServerLoginEvents } from "../../session/login/server-login.ts";
import { isPasswordRefusal } from "../../session/login/server-login-errors.ts";
import type { CancelKey } from "../../wire/cancel-key.ts";
import { InternalError } from "../proxy-errors.ts";
import { openServerTransport } from "./open-server-transport.ts";
import type { ServerAddress } from "./server-address.ts";
import type { ServerSecret } from "./server-secrets.ts";

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
  readonly user: string;
  readonly database: string;
  /** To be tried in this order. */
  readonly secrets: readonly [ServerSecret, ...ServerSecret[]];
  readonly connectTimeoutMs: number;
  readonly iterationsMax: number;
  readonly environment: NetEnvironment;
  /** Returns another one each time. */
  newNonce(): string;
  deriveKeys(password: string, salt: Uint8Array, iterations: number): Promise<ScramKeys>;
}

/** The outcome: exactly one of the two is called. */
export interface ServerOpeningEvents {
  /**
   * The transport's handler must be replaced in this call.
   * @param secret the one that the server took
   */
  onOpened(
    transport: Transport,
    key: CancelKey | null,
    parameters: ReadonlyMap<string, string>,
    secret: ServerSecret,
  ): void;
  /** Nothing is left open. */
  onFailed(error: PoolerError): void;
}

export class ServerOpening implements ChannelHandler, ServerLoginEvents {
  readonly #options: ServerOpeningOptions;
  readonly #events: ServerOpeningEvents;
  readonly #deadline: Timer;
  readonly #endMs: number;
  /** Counts what was tried: each of the secrets in its turn, and the first again. */
  #trial = 0;
  #clientNonce: string;
  /** Why the first one was refused. */
  #refusal: PoolerError | null = null;
  #transport: Transport | null = null;
  #login: ServerLogin | null = null;
  #error: PoolerError | null = null;
  #over = false;

  constructor(options: ServerOpeningOptions, events: ServerOpeningEvents) {
    this.#options = options;
    this.#events = events;
    this.#clientNonce = options.newNonce();
    const { clock } = options.environment;
    this.#endMs = clock.now() + options.connectTimeoutMs;
    this.#deadline = clock.after(options.connectTimeoutMs, () => this.#onDeadline());
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
    const error = this.#error ?? new ServerClosedDuringLoginError();
    if (!this.#hasAnother(error)) return this.#finish(this.#toldOf(error));
    this.#refusal ??= error;
    this.#error = null;
    this.#transport = null;
    this.#login = null;
    this.#trial += 1;
    this.#clientNonce = this.#options.newNonce();
    void this.#open();
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
    this.#events.onOpened(transport, key, parameters, this.#secret);
    if (surplus !== null) transport.handler.onBytes(surplus);
  }

  /** PostgreSQL closes after a refusal; the slot is free when it has. */
  onFailed(error: PoolerError): void {
    this.#error ??= error;
    this.#transport?.close();
  }

  async #open(): Promise<void> {
    const { address, user, database, environment, iterationsMax } = this.#options;
    try {
      const leftMs = Math.max(Math.ceil(this.#endMs - environment.clock.now()), 1);
      const transport = await openServerTransport(address, leftMs, environment);
      this.#transport = transport;
      transport.handler = this;
      if (this.#error !== null) return transport.destroy();
      const hash = transport.tls?.serverCertificateHash ?? null;
      const channelBinding =
        hash === null ? null : ({ type: TLS_SERVER_END_POINT, data: hash } as const);
      const encrypted = transport.tls !== null;
      const { secret, passedThroughKeys } = this.#secret;
      const credentials = { user, database, secret, passedThroughKeys };
      const clientNonce = this.#clientNonce;
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

  get #secret(): ServerSecret {
    const { secrets } = this.#options;
    return secrets[this.#trial % secrets.length] ?? secrets[0];
  }

  #hasAnother(error: PoolerError): boolean {
    const { length } = this.#options.secrets;
    const trialsMax = length === 1 ? 1 : length + 1;
    return isPasswordRefusal(error) && this.#trial + 1 < trialsMax;
  }

  /** Of two refusals, that of the secret which was thought to be right. */
  #toldOf(error: PoolerError): PoolerError {
    return isPasswordRefusal(error) ? (this.#refusal ?? error) : error;
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

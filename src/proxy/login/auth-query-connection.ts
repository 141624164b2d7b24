/**
 * A connection on which a tenant's `auth_query` runs, as the tenant's manager user. It is opened as servers are,
 * and is never lent: nothing of any client's ever reaches it but the names it asks for.
 *
 *   opening ── ready ── over
 */

import { encodeBase64 } from "../../auth/base64.ts";
import { PoolerError } from "../../base/pooler-error.ts";
import type { Random } from "../../base/random.ts";
import type { WallClock } from "../../base/wall-clock.ts";
import type { ChannelHandler } from "../../net/channel.ts";
import type { NetEnvironment } from "../../net/net-environment.ts";
import type { Transport } from "../../net/transport.ts";
import { AuthQueryConnectionError } from "../../session/login/auth-query-errors.ts";
import type { AuthQueryOutcome } from "../../session/login/auth-query-reply.ts";
import {
  AuthQueryStream,
  type AuthQueryStreamEvents,
} from "../../session/login/auth-query-stream.ts";
import { TERMINATE } from "../../wire/frontend/empty-requests.ts";
import { InternalError } from "../proxy-errors.ts";
import type { ServerAddress } from "../server/server-address.ts";
import { ServerClosedDuringLoginError, ServerOpening } from "../server/server-opening.ts";
import { ServerSecrets } from "../server/server-secrets.ts";
import type { StoredSecrets } from "./user-secrets.ts";

/** How a tenant's secrets are asked for. */
export interface AuthQueryRecipe {
  readonly address: ServerAddress;
  /** The manager's role, and what it logs in by. */
  readonly user: string;
  readonly secrets: StoredSecrets;
  readonly database: string;
  readonly query: string;
  readonly connectTimeoutMs: number;
  /** Infinity: never closed for being idle, or old. */
  readonly idleTimeoutMs: number;
  readonly lifetimeMs: number;
  /** The longest pause after failures. */
  readonly retryMaxMs: number;
}

/** Settings of all tenants, asked each time. */
export interface AuthQuerySettings {
  /** How long a secret is good without asking again; 0: not at all. */
  readonly authQueryCacheMs: number;
  /** How long a login waits for its secret, and a query may run. */
  readonly authQueryTimeoutMs: number;
  readonly scramIterationsMax: number;
}

/** What all connections of a worker share. */
export interface AuthQueryEnvironment {
  readonly net: NetEnvironment;
  readonly wallClock: WallClock;
  readonly random: Random;
  readonly settings: AuthQuerySettings;
}

export interface AuthQueryConnectionEvents {
  onReady(): void;
  /** It is gone, or never was; runs without an outcome will have none. */
  onOver(error: PoolerError): void;
}

const NONCE_BYTES = 18;

export class AuthQueryConnection implements ChannelHandler, AuthQueryStreamEvents {
  readonly #recipe: AuthQueryRecipe;
  readonly #environment: AuthQueryEnvironment;
  readonly #events: AuthQueryConnectionEvents;
  readonly #stream = new AuthQueryStream(this);
  readonly #openedAtMs: number;
  #transport: Transport | null = null;
  #hostile = false;
  #over = false;
  #error: PoolerError | null = null;

  constructor(
    recipe: AuthQueryRecipe,
    environment: AuthQueryEnvironment,
    events: AuthQueryConnectionEvents,
  ) {
    this.#recipe = recipe;
    this.#environment = environment;
    this.#events = events;
    this.#openedAtMs = environment.net.clock.now();
  }

  /** The first step: its end is one call of `onReady` or `onOver`. */
  start(): void {
    const { net, wallClock, random, settings } = this.#environment;
    const { address, user, database, connectTimeoutMs, secrets: stored } = this.#recipe;
    const secrets = new ServerSecrets(stored);
    const opening = new ServerOpening(
      {
        address,
        user,
        database,
        connectTimeoutMs,
        secrets: secrets.inOrder(wallClock.iso()),
        iterationsMax: settings.scramIterationsMax,
        environment: net,
        newNonce: () => encodeBase64(random.bytes(NONCE_BYTES)),
        deriveKeys: (password, salt, iterations) => secrets.keysFor(password, salt, iterations),
      },
      {
        onOpened: (transport) => this.#onOpened(transport),
        onFailed: (error) => this.#finish(new AuthQueryConnectionError(error)),
      },
    );
    opening.start();
  }

  /** Whether {@link run} may be called. */
  get ready(): boolean {
    return this.#transport !== null && !this.#over;
  }

  /** Whether it ever was ready. */
  get opened(): boolean {
    return this.#transport !== null;
  }

  /** Whether it ended because of what the first run without an outcome returned. */
  get hostile(): boolean {
    return this.#hostile;
  }

  /** Runs without an outcome. */
  get pending(): number {
    return this.#stream.pending;
  }

  /** Whether it has lived for as long as a server may. */
  get old(): boolean {
    return this.#environment.net.clock.now() >= this.#openedAtMs + this.#recipe.lifetimeMs;
  }

  run(role: string, onOutcome: (outcome: AuthQueryOutcome) => void): void {
    this.#stream.run(this.#recipe.query, role, onOutcome);
  }

  /** Ends it in good order. One that is being opened is ended when it is open. */
  end(): void {
    if (this.#over) return;
    this.#over = true;
    if (this.#transport === null) return;
    this.send(TERMINATE);
    this.#transport.close();
  }

  /** Ends it in the middle of what it does. */
  abandon(error: PoolerError): void {
    this.#error ??= error;
    this.#transport?.destroy();
  }

  send(bytes: Uint8Array): void {
    this.#transport?.write(bytes, 0, bytes.length);
  }

  onBroken(error: PoolerError, hostile: boolean): void {
    this.#hostile = hostile;
    this.abandon(error);
  }

  onBytes(bytes: Uint8Array): void {
    try {
      this.#stream.feed(bytes);
    } catch (fault) {
      this.abandon(new InternalError(fault));
    }
  }

  onDrained(): void {
    // A few hundred bytes at a time.
  }

  onClosed(): void {
    this.#finish(this.#error ?? new AuthQueryConnectionError(new ServerClosedDuringLoginError()));
  }

  #onOpened(transport: Transport): void {
    transport.handler = this;
    this.#transport = transport;
    if (this.#over) return transport.destroy();
    this.#stream.start(this.#environment.settings.authQueryTimeoutMs);
    this.#events.onReady();
  }

  #finish(error: PoolerError): void {
    if (this.#over) return;
    this.#over = true;
    this.#events.onOver(error);
  }
}

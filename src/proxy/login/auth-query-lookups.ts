/**
 * The runs of one tenant's `auth_query`, over one connection that is opened when it is needed and closed when
 * nobody logs in.
 *
 * Whoever asks gets the outcome of a run that began after it asked: those that wait for the same name share the next
 * one. Names that are known to be somebody's go first, so that a flood of others delays nobody who is real.
 */

import type { PoolerError } from "../../base/pooler-error.ts";
import { RetryBackoff } from "../../pool/retry-backoff.ts";
import {
  AuthQueryBusyError,
  AuthQueryTimeoutError,
} from "../../session/login/auth-query-errors.ts";
import type { AuthQueryOutcome } from "../../session/login/auth-query-reply.ts";
import {
  AuthQueryConnection,
  type AuthQueryEnvironment,
  type AuthQueryRecipe,
} from "./auth-query-connection.ts";

/** Runs under way at a time: over a distance of 50 ms some 600 a second. */
const PIPELINE_MAX = 32;
/** Names that wait for their run; each is below a kilobyte. */
const WAITING_MAX = 1000;
/** The first pause after a failure, for a server that restarts. */
const RETRY_MIN_MS = 100;
/** A run that the loss of its connection ended is made once more. */
const ATTEMPTS_MAX = 2;

interface Lookup {
  readonly role: string;
  readonly outcome: Promise<AuthQueryOutcome>;
  readonly settle: (outcome: AuthQueryOutcome) => void;
  attempts: number;
}

export class AuthQueryLookups {
  readonly #recipe: AuthQueryRecipe;
  readonly #environment: AuthQueryEnvironment;
  readonly #backoff: RetryBackoff;
  /** By role, in the order of asking. */
  readonly #first = new Map<string, Lookup>();
  readonly #others = new Map<string, Lookup>();
  /** In the order of sending. */
  readonly #sent = new Set<Lookup>();
  #connection: AuthQueryConnection | null = null;
  /** Why the latest attempt failed. */
  #error: PoolerError | null = null;
  #closed = false;

  constructor(recipe: AuthQueryRecipe, environment: AuthQueryEnvironment) {
    this.#recipe = recipe;
    this.#environment = environment;
    this.#backoff = new RetryBackoff(environment.random);
  }

  get recipe(): AuthQueryRecipe {
    return this.#recipe;
  }

  /** Whether PostgreSQL could not be asked the last time. */
  get failing(): boolean {
    return this.#backoff.failing;
  }

  /** Connections, open or being opened: one or none. */
  get servers(): number {
    return this.#connection === null ? 0 : 1;
  }

  /** Names whose run is not over. */
  get waiting(): number {
    return this.#first.size + this.#others.size + this.#sent.size;
  }

  /**
   * Returns what PostgreSQL says of `role`, from now on; never rejects.
   * @param known the name is known to be somebody's, who wants to log in
   */
  find(role: string, known: boolean): Promise<AuthQueryOutcome> {
    const joined = this.#first.get(role) ?? this.#others.get(role);
    if (joined !== undefined) return joined.outcome;
    const { clock } = this.#environment.net;
    if (this.#error !== null && clock.now() < this.#backoff.retryAtMs)
      return Promise.resolve({ kind: "away", error: this.#error });
    const queue = known ? this.#first : this.#others;
    if (queue.size >= WAITING_MAX)
      return Promise.resolve({ kind: "away", error: new AuthQueryBusyError(WAITING_MAX) });
    const lookup = this.#lookup(role);
    queue.set(role, lookup);
    this.#pump();
    return lookup.outcome;
  }

  /** Closes the connection if nothing waits for it. */
  rest(): void {
    if (this.waiting > 0) return;
    this.#connection?.end();
    this.#connection = null;
  }

  /** Nobody asks any more: ends when all that wait have their outcome. */
  close(): void {
    this.#closed = true;
    this.rest();
  }

  #lookup(role: string): Lookup {
    const { promise, resolve } = Promise.withResolvers<AuthQueryOutcome>();
    const { net, settings } = this.#environment;
    const timer = net.clock.after(settings.authQueryTimeoutMs, () => this.#onTimeout(lookup));
    const lookup: Lookup = {
      role,
      outcome: promise,
      settle: (outcome) => {
        timer.cancel();
        resolve(outcome);
      },
      attempts: 0,
    };
    return lookup;
  }

  /** Sends what waits, over a connection that is opened if there is none. */
  #pump(): void {
    this.#endOld();
    if (this.#first.size + this.#others.size === 0) {
      if (this.#closed) this.rest();
      return;
    }
    this.#connection ??= this.#open();
    while (this.#connection.ready && this.#connection.pending < PIPELINE_MAX) {
      const lookup = takeFirst(this.#first) ?? takeFirst(this.#others);
      if (lookup === null) return;
      this.#send(lookup, this.#connection);
    }
  }

  /** One that has lived for long enough is ended between two runs. */
  #endOld(): void {
    const connection = this.#connection;
    if (connection === null || !connection.ready || !connection.old || connection.pending > 0)
      return;
    connection.end();
    this.#connection = null;
  }

  #open(): AuthQueryConnection {
    const connection: AuthQueryConnection = new AuthQueryConnection(
      this.#recipe,
      this.#environment,
      {
        onReady: () => this.#pump(),
        onOver: (error) => this.#onOver(connection, error),
      },
    );
    connection.start();
    return connection;
  }

  #send(lookup: Lookup, connection: AuthQueryConnection): void {
    this.#sent.add(lookup);
    connection.run(lookup.role, (outcome) => {
      this.#sent.delete(lookup);
      if (outcome.kind !== "away") this.#backoff.succeeded();
      lookup.settle(outcome);
      this.#pump();
    });
  }

  #onOver(connection: AuthQueryConnection, error: PoolerError): void {
    if (this.#connection !== connection) return;
    this.#connection = null;
    if (connection.opened) this.#sendAgain(error, connection.hostile);
    else this.#failAll(error);
    this.#pump();
  }

  /** The run that was under way may be why the connection ended; those behind it are not. */
  #sendAgain(error: PoolerError, hostile: boolean): void {
    const [guilty, ...others] = this.#sent;
    this.#sent.clear();
    const again = [...others];
    if (guilty !== undefined) {
      guilty.attempts += 1;
      if (guilty.attempts < ATTEMPTS_MAX && !hostile) again.unshift(guilty);
      else guilty.settle({ kind: "away", error });
    }
    for (const lookup of again) this.#queueAgain(lookup);
  }

  /** One that was asked for later does as well. */
  #queueAgain(lookup: Lookup): void {
    const later = this.#first.get(lookup.role);
    if (later === undefined) this.#first.set(lookup.role, lookup);
    else void later.outcome.then(lookup.settle);
  }

  #failAll(error: PoolerError): void {
    this.#failed(error);
    for (const queue of [this.#first, this.#others]) {
      const lookups = [...queue.values()];
      queue.clear();
      for (const lookup of lookups) lookup.settle({ kind: "away", error });
    }
  }

  #failed(error: PoolerError): void {
    const { retryMaxMs } = this.#recipe;
    this.#error = error;
    this.#backoff.failed(this.#environment.net.clock.now(), {
      retryMinMs: Math.min(RETRY_MIN_MS, retryMaxMs),
      retryMaxMs,
    });
  }

  #onTimeout(lookup: Lookup): void {
    const error = new AuthQueryTimeoutError(this.#environment.settings.authQueryTimeoutMs);
    for (const queue of [this.#first, this.#others])
      if (queue.get(lookup.role) === lookup) queue.delete(lookup.role);
    const underWay = this.#sent.delete(lookup);
    lookup.settle({ kind: "away", error });
    if (!underWay) return;
    this.#failed(error);
    this.#connection?.abandon(error);
  }
}

function takeFirst(queue: Map<string, Lookup>): Lookup | null {
  for (const [role, lookup] of queue) {
    queue.delete(role);
    return lookup;
  }
  return null;
}

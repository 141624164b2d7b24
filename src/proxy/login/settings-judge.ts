/**
 * Has a server judge the settings that a client logs in with, where nobody has had them before: so an
 * invalid one fails the login, as with PostgreSQL, and what servers report of them is known from then on.
 * The server is needed for no more than that.
 */

import { assert } from "../../base/assert.ts";
import type { PoolerError } from "../../base/pooler-error.ts";
import { Alarm } from "../../pool/ticker.ts";
import type { Waiter } from "../../pool/waiter.ts";
import type { ClientState } from "../../session/client-state.ts";
import { type FittingClient, fitServer } from "../client/server-fitting.ts";
import type { ServerPool } from "../pools/server-pool.ts";
import type { ServerConnection } from "../server/server-connection.ts";
import type { ServerHolder } from "../server/server-holder.ts";
import { ASSUME_AFTER_MS, assumedParameters, mayAssumeAfter } from "./assumed-parameters.ts";

/** Whose settings are judged. Told once, unless the judge is stopped first. */
export interface JudgedClient {
  readonly client: ClientState;
  /** They are good; `reported` is what a server with them reports. */
  onSettingsJudged(reported: ReadonlyMap<string, string>): void;
  /** No server could be had soon: what the tenant's record says stands in for what one would report. */
  onSettingsAssumed(assumed: ReadonlyMap<string, string>): void;
  /** They are not, or no server could be had. */
  end(error: PoolerError): void;
}

export class SettingsJudge implements Waiter<ServerConnection>, ServerHolder, FittingClient {
  readonly client: ClientState;
  /** If the server ends, another one has to judge. */
  readonly served = false;
  readonly #judged: JudgedClient;
  readonly #pool: ServerPool;
  #server: ServerConnection | null = null;
  /** The server was idle for long: that it is lost says nothing about the settings. */
  #trying = false;
  /** Rings when it has waited for long enough; null: nothing may be assumed. */
  #patience: Alarm | null = null;
  waitingSinceMs = 0;
  ticket = 0;
  queue: object | null = null;
  previous: Waiter<ServerConnection> | null = null;
  next: Waiter<ServerConnection> | null = null;

  constructor(judged: JudgedClient, pool: ServerPool) {
    this.client = judged.client;
    this.#judged = judged;
    this.#pool = pool;
  }

  start(): void {
    if (this.#pool.recipe.parameterDefaults !== null) this.#limitPatience();
    this.#acquire();
  }

  #limitPatience(): void {
    const { ticker } = this.#pool;
    this.#patience = new Alarm(() => {
      if (this.queue !== null) this.#assume();
    });
    ticker.ringBy(this.#patience, ticker.nowMs + ASSUME_AFTER_MS);
  }

  #acquire(): void {
    const server = this.#pool.acquire(this);
    if (server !== null) this.onGranted(server);
  }

  /** Nobody waits for the judgement any more. A no-op once it was told. */
  stop(): void {
    this.#endPatience();
    if (this.queue !== null) this.#pool.forget(this);
    const server = this.#server;
    this.#server = null;
    if (server !== null) this.#pool.recover(server, { insideMessage: false, orderly: false });
  }

  prefers(server: ServerConnection): boolean {
    return server.state.settings === this.client.settings;
  }

  onGranted(server: ServerConnection): void {
    assert(this.#server === null, "one server judges at a time");
    this.#server = server;
    // The client hears nothing before its welcome: a notice behind our query's end would stand before it.
    server.beginHold(this, this.client, null);
    this.#trying = server.slot.restedMs > this.#pool.times.checkDelayMs;
    if (this.prefers(server) && !this.#trying) this.#tell(server);
    else fitServer(server, this, this.#pool.checkTimeoutMs);
  }

  onRefused(error: PoolerError): void {
    if (this.#patience !== null && mayAssumeAfter(error)) this.#assume();
    else this.end(error);
  }

  onFitted(server: ServerConnection): void {
    this.#tell(server);
  }

  onUnfit(): void {
    this.#server = null;
    this.#acquire();
  }

  end(error: PoolerError): void {
    this.#endPatience();
    this.#judged.end(error);
  }

  onServerProgress(): void {
    // The answer to our query comes by its own way.
  }

  onServerDrained(): void {
    // Our query is short.
  }

  onServerLost(error: PoolerError): void {
    this.#server = null;
    if (this.#trying) this.#acquire();
    else this.end(error);
  }

  #assume(): void {
    const { parameterDefaults } = this.#pool.recipe;
    this.stop();
    const assumed = assumedParameters(parameterDefaults ?? new Map(), this.client.settings.entries);
    this.#judged.onSettingsAssumed(assumed);
  }

  #endPatience(): void {
    if (this.#patience !== null) this.#pool.ticker.silence(this.#patience);
    this.#patience = null;
  }

  #tell(server: ServerConnection): void {
    const { settings } = this.client;
    const reported = (settings.reported ??= new Map(server.state.parameters));
    this.#server = null;
    this.#endPatience();
    server.endHold();
    server.handBack();
    this.#judged.onSettingsJudged(reported);
  }
}

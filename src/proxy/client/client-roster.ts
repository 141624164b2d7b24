/**
 * Who is logged in, by tenant, and how they are told to leave.
 */

import type { Clock } from "../../base/clock.ts";
import type { PoolerError } from "../../base/pooler-error.ts";
import type { MovableClient } from "../../net/movable-client.ts";
import type { EndableClient } from "./session-owner.ts";

export class ClientRoster {
  readonly #clock: Clock;
  readonly #tenants = new Map<string, Set<EndableClient>>();
  readonly #departures = new Set<Departure>();
  #size = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Clients of all tenants. */
  get size(): number {
    return this.#size;
  }

  add(client: EndableClient): void {
    let clients = this.#tenants.get(client.tenant);
    if (clients === undefined) {
      clients = new Set();
      this.#tenants.set(client.tenant, clients);
    }
    if (!clients.has(client)) this.#size += 1;
    clients.add(client);
  }

  /** A no-op for one that is not there. */
  delete(client: EndableClient): void {
    const clients = this.#tenants.get(client.tenant);
    if (clients?.delete(client) !== true) return;
    this.#size -= 1;
    if (clients.size === 0) this.#tenants.delete(client.tenant);
    for (const departure of this.#departures) departure.left(client);
  }

  /** Who has any. */
  get tenants(): Iterable<string> {
    return this.#tenants.keys();
  }

  /** Clients of one tenant. */
  countOf(tenant: string): number {
    return this.#tenants.get(tenant)?.size ?? 0;
  }

  /** Returns all clients of all tenants. */
  list(): readonly EndableClient[] {
    return [...this.#tenants.values()].flatMap((clients) => Array.from(clients));
  }

  /** Returns those whose connections are in this process and could be passed on, as whoever does that sees them. */
  listMovable(): readonly MovableClient[] {
    const clients = this.list().map((client) => client.asMovable());
    return clients.filter((client) => client !== null);
  }

  /** Whether it is still here. */
  has(client: EndableClient): boolean {
    return this.#tenants.get(client.tenant)?.has(client) === true;
  }

  /** Ends all clients of all tenants. */
  endAll(error: PoolerError): void {
    for (const clients of this.#tenants.values()) for (const client of clients) client.end(error);
  }

  /** As {@link endAll}, each when no transaction of it runs. */
  endAllWhenIdle(error: PoolerError): void {
    for (const clients of this.#tenants.values())
      for (const client of clients) client.endWhenIdle(error);
  }

  /**
   * Ends those clients of a tenant that are here now: idle ones at once, the others after their transaction,
   * at the latest after `graceMs`; 0: all at once. Resolves when they are gone, with their number.
   * @param alias the name they logged in with; null: all
   */
  async end(
    tenant: string,
    alias: string | null,
    error: PoolerError,
    graceMs: number,
  ): Promise<number> {
    const clients = [...(this.#tenants.get(tenant) ?? [])].filter(
      (client) => alias === null || client.alias === alias,
    );
    const departure = new Departure(clients);
    this.#departures.add(departure);
    if (graceMs > 0) for (const client of clients) client.endWhenIdle(error);
    else departure.endRest(error);
    const timer = this.#clock.after(graceMs, () => departure.endRest(error));
    await departure.over;
    timer.cancel();
    this.#departures.delete(departure);
    return clients.length;
  }
}

/** Some clients that are to leave. */
class Departure {
  readonly over: Promise<void>;
  readonly #left: Set<EndableClient>;
  readonly #resolve: () => void;

  constructor(clients: readonly EndableClient[]) {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.over = promise;
    this.#resolve = resolve;
    this.#left = new Set(clients);
    if (clients.length === 0) resolve();
  }

  left(client: EndableClient): void {
    if (this.#left.delete(client) && this.#left.size === 0) this.#resolve();
  }

  endRest(error: PoolerError): void {
    for (const client of this.#left) client.end(error);
  }
}

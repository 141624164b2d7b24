/**
 * Watches how a pool lends its servers: each to the client that has waited longest, and only when it owes
 * nothing, by its own account and by PostgreSQL's.
 */

import type { Waiter } from "../../src/pool/waiter.ts";
import type { ServerPool } from "../../src/proxy/pools/server-pool.ts";
import type { ServerConnection } from "../../src/proxy/server/server-connection.ts";

interface Place {
  readonly waiter: Waiter<ServerConnection>;
  /** One who left the queue and came back has another one; null while it is just coming. */
  ticket: number | null;
}

export interface LendingWitness {
  /** Says what is not right about `server` where PostgreSQL stands, or null. */
  complaintAbout(server: ServerConnection): string | null;
  blame(fault: string): void;
}

export class Lending {
  readonly #witness: LendingWitness;
  readonly #watched = new WeakSet<Waiter<ServerConnection>>();
  #line: Place[] = [];

  /** From now on `pool` is watched. */
  constructor(pool: ServerPool, witness: LendingWitness) {
    this.#witness = witness;
    const acquire = pool.acquire.bind(pool);
    pool.acquire = (waiter) => {
      if (!this.#watched.has(waiter)) this.#watch(waiter);
      // Inside of the call others may be refused, and queue up again behind it.
      const place: Place = { waiter, ticket: null };
      this.#line.push(place);
      const server = acquire(waiter);
      place.ticket = waiter.ticket;
      if (server !== null) this.#onLent(waiter, server);
      return server;
    };
  }

  /** How many wait. */
  get waiting(): number {
    this.#line = this.#line.filter(isWaiting);
    return this.#line.length;
  }

  /** From now on it is watched what `waiter` is lent. */
  #watch(waiter: Waiter<ServerConnection>): void {
    this.#watched.add(waiter);
    const onGranted = waiter.onGranted.bind(waiter);
    waiter.onGranted = (server) => {
      this.#onLent(waiter, server);
      onGranted(server);
    };
  }

  #onLent(waiter: Waiter<ServerConnection>, server: ServerConnection): void {
    for (let first = this.#line[0]; first !== undefined; first = this.#line[0]) {
      if (first.waiter !== waiter && isWaiting(first)) {
        this.#witness.blame("a client was lent a server while another had waited longer");
        break;
      }
      this.#line.shift();
      if (first.waiter === waiter) break;
    }
    if (!server.clean) this.#witness.blame("a server was lent that owes something");
    if (server.cancelling) this.#witness.blame("a server was lent whose cancel is under way");
    const complaint = this.#witness.complaintAbout(server);
    if (complaint !== null) this.#witness.blame(complaint);
  }
}

function isWaiting({ waiter, ticket }: Place): boolean {
  return waiter.queue !== null && (ticket === null || waiter.ticket === ticket);
}

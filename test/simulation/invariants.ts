/**
 * What must hold after every step of a schedule, and what must be left at its end: nothing.
 */

import type { Scene } from "./scene.ts";

/**
 * What a transport may hold for a slow peer, beyond what comes between two looks at it: what may wait of a
 * client's, 64 KB, and leaves at once when it gets its server, and a chunk more.
 */
const PENDING_BYTES_MAX = 100_000;

export class Invariants {
  readonly #scene: Scene;
  /** Servers that may be there: the pool's size, and above it those of a larger one before. */
  #serversMax: number;

  constructor(scene: Scene) {
    this.#scene = scene;
    this.#serversMax = this.#limit;
  }

  /** @throws when one is broken */
  check(): void {
    const { pooler, postgres, network } = this.#scene;
    const { fault, scratch } = pooler;
    if (fault !== null) throw new Error(fault);
    if (!scratch.toClient.empty || !scratch.toServer.empty)
      throw new Error("shared writers keep bytes between two events");
    const { servers } = pooler.pool;
    this.#serversMax = Math.max(this.#limit, this.#serversMax);
    if (servers > this.#serversMax)
      throw new Error(`${servers} servers where ${this.#serversMax} are allowed`);
    if (postgres.serving > this.#serversMax)
      throw new Error(`PostgreSQL counts ${postgres.serving}, ${this.#serversMax} are allowed`);
    this.#serversMax = Math.max(this.#limit, servers);
    for (const { transport, name } of network.connections)
      if (transport.pendingBytes > PENDING_BYTES_MAX)
        throw new Error(`${transport.pendingBytes} bytes are held back for ${name}`);
  }

  /** @throws when fewer servers are open than are to be kept, though all is at rest */
  checkKept(): void {
    const { servers } = this.#scene.pooler.pool;
    const { sizeMin } = this.#scene.pooler.limits;
    if (servers < sizeMin) throw new Error(`${servers} servers are kept open, not ${sizeMin}`);
  }

  /** @throws when anything is left though all are gone */
  checkNothingLeft(): void {
    const { pooler, clock, postgres, lending } = this.#scene;
    const left = {
      servers: pooler.pool.servers,
      clients: pooler.pool.clients,
      waiters: lending.waiting,
      statements: pooler.statements.size,
      settings: pooler.pool.settings.size - 1,
      keys: pooler.cancels.size,
      "places of pins": pooler.pool.pins.taken,
      pins: pooler.pool.pins.pinned,
      timers: clock.pending,
      connections: postgres.connected,
    };
    for (const [name, count] of Object.entries(left))
      if (count !== 0) throw new Error(`${count} ${name} are left at the end`);
  }

  get #limit(): number {
    const { size, reserve } = this.#scene.pooler.limits;
    return size + reserve;
  }
}

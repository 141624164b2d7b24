/**
 * PostgreSQL as the pooler sees it: dials that succeed or not, and the backends behind them.
 */

import { ConnectError } from "../../src/net/connect-error.ts";
import type { Transport, TransportOwner } from "../../src/net/transport.ts";
import type { ServerConnection } from "../../src/proxy/server/server-connection.ts";
import { FakeConnection } from "./fake-connection.ts";
import type { SeededRandom } from "./seeded-random.ts";
import { type BackendWorld, SimBackend } from "./sim-backend.ts";
import type { SimNetwork } from "./sim-network.ts";

interface Dialing {
  readonly resolve: (transport: Transport) => void;
  readonly reject: (error: ConnectError) => void;
}

/** How much is under way to a backend before a write is taken in part. */
const WINDOWS = [60, 600, 10_000] as const;
const BULK_WINDOWS = [5000, 20_000] as const;

export class SimPostgres {
  readonly #random: SeededRandom;
  readonly #network: SimNetwork;
  readonly #world: BackendWorld;
  readonly #dialing: Dialing[] = [];
  #backends: SimBackend[] = [];
  #accepted = 0;

  constructor(random: SeededRandom, network: SimNetwork, world: BackendWorld) {
    this.#random = random;
    this.#network = network;
    this.#world = world;
  }

  /** Whether the pooler waits for a connection, or for a login. */
  get opening(): boolean {
    return (
      this.#dialing.length > 0 || this.#backends.some(({ serving, over }) => !serving && !over)
    );
  }

  get dialing(): number {
    return this.#dialing.length;
  }

  /** Those that serve a pooler that has not closed the connection. */
  get serving(): number {
    let count = 0;
    for (const { serving, connection } of this.#backends)
      if (serving && connection?.closed === false) count += 1;
    return count;
  }

  /** How many connections the pooler has not closed. */
  get connected(): number {
    return this.#backends.filter(({ connection }) => connection?.closed === false).length;
  }

  /** What a pooler calls to connect. */
  dial(): Promise<Transport> {
    const { promise, resolve, reject } = Promise.withResolvers<Transport>();
    this.#dialing.push({ resolve, reject });
    return promise;
  }

  /** @param bulk whether much is to be sent */
  accept(owner: TransportOwner, bulk: boolean): void {
    this.#accepted += 1;
    const backend = new SimBackend(this.#accepted, this.#world);
    const window = this.#random.pick(bulk ? BULK_WINDOWS : WINDOWS);
    const name = `backend ${backend.processId}`;
    const connection = new FakeConnection(name, window, backend, owner);
    backend.attach(connection);
    this.#backends = this.#backends.filter(({ over }) => !over);
    this.#backends.push(backend);
    this.#network.add(connection);
    this.#dialing.shift()?.resolve(connection.transport);
  }

  refuse(): void {
    this.#dialing.shift()?.reject(new ConnectError("refused", "simulated", 5432, "ECONNREFUSED"));
  }

  /** Returns one of those that run something long, or null. */
  pickHeld(): SimBackend | null {
    return this.#pick(this.#backends.filter(({ held }) => held));
  }

  /** Returns one of those that serve, or null. */
  pickServing(): SimBackend | null {
    return this.#pick(this.#backends.filter(({ serving }) => serving));
  }

  /** Whatever takes its time is done. Returns whether anything was. */
  releaseAll(): boolean {
    const held = this.#backends.filter((backend) => backend.held);
    for (const backend of held) backend.release();
    return held.length > 0;
  }

  find(processId: number): SimBackend | undefined {
    return this.#backends.find((backend) => backend.processId === processId);
  }

  /** Whether one that is no more has words under way that the pooler has not read. */
  get lastWordsUnderWay(): boolean {
    return this.#backends.some(
      ({ serving, hasSpoken, connection }) => hasSpoken && !serving && connection?.closed === false,
    );
  }

  /** Says what is not right about a server that is lent; null: it is at rest here, too. */
  complaintAbout(server: ServerConnection): string | null {
    const backend = this.find(server.key?.processId ?? 0);
    const connection = backend?.connection ?? null;
    if (backend === undefined || connection === null) return "a server was lent that is long gone";
    if (!backend.model.idle) return "a server was lent inside a transaction";
    if (backend.model.residue !== null) return `a server was lent with ${backend.model.residue}`;
    if (backend.held) return "a server was lent while it runs something";
    if (connection.unreadByPooler > 0 && !backend.hasSpoken)
      return "a server was lent that has not been read to the end";
    return null;
  }

  #pick(backends: readonly SimBackend[]): SimBackend | null {
    return backends.length === 0 ? null : this.#random.pick(backends);
  }
}

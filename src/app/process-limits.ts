/**
 * What all tenants share and the system limits: the connections of this process, and its part in the clients and the
 * memory of the node.
 */

import { readFileSync } from "node:fs";
import { totalmem } from "node:os";
import type { Clock } from "../base/clock.ts";
import type { Logger } from "../base/logger.ts";
import type { PoolerError } from "../base/pooler-error.ts";
import {
  type ConnectionShares,
  connectionShares,
  readDescriptorLimit,
  SURPLUS_CANCELS_MAX,
  SURPLUS_CLIENTS_MAX,
} from "../config/descriptor-limit.ts";
import { findMemoryLimit } from "../config/memory-limit.ts";
import type { Config } from "../config/settings.ts";
import { SharedRoom } from "../control/shared-room.ts";
import type { GateFacts } from "../edge/client-gate.ts";
import { DialLimit } from "../net/dial-limit.ts";
import { MemoryWatch } from "./memory-watch.ts";
import type { WorkerPlace } from "./workers/worker-place.ts";

/** Where connections of clients come from. */
interface OpenConnections {
  /** How many are not closed yet. */
  readonly openTransports: number;
}

export class ProcessLimits implements GateFacts {
  /** Of servers. */
  readonly dialLimit: DialLimit;
  readonly #listeners: OpenConnections[] = [];
  readonly #memory: MemoryWatch;
  readonly #workers: number;
  /** Null: it is alone. */
  readonly #room: SharedRoom | null;
  #config: Config;
  #shares: ConnectionShares;
  #memoryLimitBytes: number;

  /** @param place among the workers of the node; null: it is alone */
  constructor(config: Config, clock: Clock, logger: Logger, place: WorkerPlace | null) {
    this.#workers = place?.peers.workers ?? 1;
    this.#room =
      place === null
        ? null
        : new SharedRoom({
            supervisor: place.supervisor,
            clock,
            clientsMax: () => this.#config.maxConnections,
            open: () => this.open,
            processId: process.pid,
            residentBytes: () => process.memoryUsage.rss(),
          });
    this.#config = config;
    this.#shares = sharesOf(config, this.#workers);
    this.dialLimit = new DialLimit(() => this.#serversNow, SURPLUS_CANCELS_MAX);
    this.#memoryLimitBytes = memoryLimitOf(config);
    this.#memory = new MemoryWatch({
      clock,
      logger,
      limitBytes: () => this.#memoryLimitBytes,
      residentBytes: () => process.memoryUsage.rss() + (this.#room?.othersBytes ?? 0),
      collectGarbage: () => Bun.gc(true),
    });
  }

  get shortage(): PoolerError | null {
    return this.#memory.shortage;
  }

  get max(): number {
    return Math.min(this.#clientsNow, this.#room?.clientsMax ?? Number.POSITIVE_INFINITY);
  }

  get limit(): number {
    return this.#mayGrow ? (this.#config.maxConnections ?? this.max) : this.max;
  }

  /** Most clients of this process, whatever the others have, and most servers. */
  get connectionsMax(): { readonly clients: number; readonly servers: number } {
    return this.#shares;
  }

  get heardMax(): number {
    return this.#clientsNow + SURPLUS_CLIENTS_MAX;
  }

  makeRoom(): Promise<boolean> | null {
    return this.#mayGrow ? (this.#room?.makeRoom() ?? null) : null;
  }

  get open(): number {
    let open = 0;
    for (const listener of this.#listeners) open += listener.openTransports;
    return open;
  }

  /** Where the descriptors of this process are what limits it, no share of others helps. */
  get #mayGrow(): boolean {
    return this.#room !== null && this.#room.clientsMax < this.#clientsNow;
  }

  /** Clients that may be here while there are as many servers as now. */
  get #clientsNow(): number {
    const { clients, servers, both } = this.#shares;
    return Math.min(clients, both - Math.min(servers, this.dialLimit.open));
  }

  /** Servers that may be here while there are as many clients as now. */
  get #serversNow(): number {
    const { clients, servers, both } = this.#shares;
    return Math.min(servers, both - Math.min(clients, this.open));
  }

  /** Its connections count from now on. */
  addListener(listener: OpenConnections): void {
    this.#listeners.push(listener);
  }

  /** Knows its share of what the node has, and watches the memory, from now on. Rejects if the supervisor is away. */
  async start(): Promise<void> {
    await this.#room?.catchUp();
    this.#memory.start();
  }

  stop(): void {
    this.#room?.stop();
    this.#memory.stop();
  }

  /** Takes over new settings. Whoever is in stays. */
  reload(config: Config): void {
    this.#config = config;
    this.#shares = sharesOf(config, this.#workers);
    this.#memoryLimitBytes = memoryLimitOf(config);
    void this.#room?.follow().catch(() => undefined); // without a supervisor, the worker ends
  }
}

function sharesOf({ maxConnections }: Config, workers: number): ConnectionShares {
  return connectionShares(maxConnections, readDescriptorLimit(), workers);
}

function memoryLimitOf({ memoryLimitBytes }: Config): number {
  return memoryLimitBytes === 0 ? findMemoryLimit(readText, totalmem()) : memoryLimitBytes;
}

/** Where the system does not let itself be asked, there is one limit less to keep. */
function readText(path: string): string | null {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return null;
  }
}

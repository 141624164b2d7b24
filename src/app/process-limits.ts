/**
 * What all tenants share and the system limits: the connections and the memory of this process.
 */

import { readFileSync } from "node:fs";
import { totalmem } from "node:os";
import type { Clock } from "../base/clock.ts";
import type { Logger } from "../base/logger.ts";
import type { PoolerError } from "../base/pooler-error.ts";
import {
  connectionShares,
  readDescriptorLimit,
  SURPLUS_CANCELS_MAX,
  SURPLUS_CLIENTS_MAX,
} from "../config/descriptor-limit.ts";
import { findMemoryLimit } from "../config/memory-limit.ts";
import type { Config } from "../config/settings.ts";
import type { GateFacts } from "../edge/client-gate.ts";
import { DialLimit } from "../net/dial-limit.ts";
import type { Listener } from "../net/listener.ts";
import { MemoryWatch } from "./memory-watch.ts";

export class ProcessLimits implements GateFacts {
  readonly surplusMax = SURPLUS_CLIENTS_MAX;
  /** Of servers. */
  readonly dialLimit: DialLimit;
  readonly #listeners: Listener[] = [];
  readonly #memory: MemoryWatch;
  #clientsMax: number;
  #memoryLimitBytes: number;

  constructor(config: Config, clock: Clock, logger: Logger) {
    const { clients, servers } = connectionShares(config.maxConnections, readDescriptorLimit());
    this.#clientsMax = clients;
    this.dialLimit = new DialLimit(servers, SURPLUS_CANCELS_MAX);
    this.#memoryLimitBytes = memoryLimitOf(config);
    this.#memory = new MemoryWatch({
      clock,
      logger,
      limitBytes: () => this.#memoryLimitBytes,
      residentBytes: () => process.memoryUsage.rss(),
      collectGarbage: () => Bun.gc(true),
    });
  }

  get shortage(): PoolerError | null {
    return this.#memory.shortage;
  }

  get max(): number {
    return this.#clientsMax;
  }

  get open(): number {
    let open = 0;
    for (const listener of this.#listeners) open += listener.openTransports;
    return open;
  }

  /** Its connections count from now on. */
  addListener(listener: Listener): void {
    this.#listeners.push(listener);
  }

  /** Watches the memory from now on. */
  start(): void {
    this.#memory.start();
  }

  stop(): void {
    this.#memory.stop();
  }

  /** Takes over new settings. Whoever is in stays. */
  reload(config: Config): void {
    const { clients, servers } = connectionShares(config.maxConnections, readDescriptorLimit());
    this.#clientsMax = clients;
    this.dialLimit.max = servers;
    this.#memoryLimitBytes = memoryLimitOf(config);
  }
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

/**
 * A pooler as tests see it: one of this process alone, or a node of several workers. What it counts is the sum
 * over them.
 */

import { Pooler, type PoolerParts, type PoolerPorts } from "../../src/app/pooler.ts";
import { readAuthority } from "../../src/app/read-authority.ts";
import type { ServingNode } from "../../src/app/serving-node.ts";
import type { Config } from "../../src/config/settings.ts";
import type { Traffic } from "../../src/control/traffic.ts";
import type { PoolerCounters } from "../../src/proxy/pooler-counters.ts";
import type { PoolPinList } from "../../src/proxy/pools/pin-list.ts";

export interface TestedPooler {
  readonly ports: PoolerPorts;
  readonly connectionsMax: ServingNode["connectionsMax"];
  readonly traffic: Traffic;
  readonly counters: PoolerCounters;
  /** Clients that are logged in. */
  readonly clients: number;
  /** Tenants that have pools; once for each worker that has some. */
  readonly tenantsInUse: number;
  /** Who is pinned, in the pools in which anybody is. */
  listPins(): readonly PoolPinList[];
  /** Resolves when new clients are served by the new settings. */
  reload(config: Config): Promise<void>;
  stop(timeoutMs: number): Promise<void>;
}

/** The pooler of this process. */
export class LonePooler implements TestedPooler {
  readonly #pooler: Pooler;

  private constructor(pooler: Pooler) {
    this.#pooler = pooler;
  }

  /** Listens once it resolves. */
  static async start(parts: Omit<PoolerParts, "certificateAuthority">): Promise<LonePooler> {
    const pooler = new Pooler({ ...parts, certificateAuthority: readAuthority(parts.config) });
    await pooler.start();
    return new LonePooler(pooler);
  }

  get ports(): PoolerPorts {
    return this.#pooler.ports;
  }

  get connectionsMax(): ServingNode["connectionsMax"] {
    return this.#pooler.connectionsMax;
  }

  get traffic(): Traffic {
    return this.#pooler.traffic;
  }

  get counters(): PoolerCounters {
    return this.#pooler.counters;
  }

  get clients(): number {
    return this.#pooler.clients;
  }

  get tenantsInUse(): number {
    return this.#pooler.tenantsInUse;
  }

  listPins(): readonly PoolPinList[] {
    return this.#pooler.listPins();
  }

  async reload(config: Config): Promise<void> {
    this.#pooler.reload(config, readAuthority(config));
  }

  stop(timeoutMs: number): Promise<void> {
    return this.#pooler.stop(timeoutMs);
  }
}

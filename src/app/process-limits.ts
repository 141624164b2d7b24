/**
 * What all tenants share and the system limits: the connections of this process.
 */

import type { PoolerError } from "../base/pooler-error.ts";
import {
  connectionShares,
  readDescriptorLimit,
  SURPLUS_CANCELS_MAX,
  SURPLUS_CLIENTS_MAX,
} from "../config/descriptor-limit.ts";
import type { Config } from "../config/settings.ts";
import type { GateFacts } from "../edge/client-gate.ts";
import { DialLimit } from "../net/dial-limit.ts";
import type { Listener } from "../net/listener.ts";

export class ProcessLimits implements GateFacts {
  readonly surplusMax = SURPLUS_CLIENTS_MAX;
  readonly shortage: PoolerError | null = null;
  /** Of servers. */
  readonly dialLimit: DialLimit;
  readonly #listeners: Listener[] = [];
  #clientsMax: number;

  constructor(config: Config) {
    const { clients, servers } = connectionShares(config.maxConnections, readDescriptorLimit());
    this.#clientsMax = clients;
    this.dialLimit = new DialLimit(servers, SURPLUS_CANCELS_MAX);
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

  /** Takes over new settings. Whoever is in stays. */
  reload(config: Config): void {
    const { clients, servers } = connectionShares(config.maxConnections, readDescriptorLimit());
    this.#clientsMax = clients;
    this.dialLimit.max = servers;
  }
}

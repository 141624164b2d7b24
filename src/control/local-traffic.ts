/**
 * The traffic of this worker.
 */

import type { Clock } from "../base/clock.ts";
import type { LastErrors } from "../proxy/last-errors.ts";
import type { AddressBan, AddressBans } from "../proxy/login/address-bans.ts";
import type { Owner } from "../proxy/owner.ts";
import type { PoolRegistry } from "../proxy/pools/pool-registry.ts";
import type { PoolEntry, TenantPools } from "../proxy/pools/tenant-pools.ts";
import { TerminatedByOperatorError } from "../proxy/proxy-errors.ts";
import type { TenantDirectory } from "../tenants/tenant-directory.ts";
import { TenantNotFoundError } from "./control-errors.ts";
import type { EndedTraffic, PauseOutcome, PoolState, TenantState, Traffic } from "./traffic.ts";

export interface LocalTrafficParts {
  readonly clock: Clock;
  readonly owner: Owner;
  readonly pools: PoolRegistry;
  readonly directory: TenantDirectory;
  readonly addressBans: AddressBans;
  readonly lastErrors: LastErrors;
}

/** How often it is looked whether the last server has closed. */
const POLL_MS = 10;

/** A store that does not answer is asked again soon. */
const REFRESH_TIMEOUT_MS = 500;

export class LocalTraffic implements Traffic {
  readonly #parts: LocalTrafficParts;

  constructor(parts: LocalTrafficParts) {
    this.#parts = parts;
  }

  async state(externalId: string): Promise<TenantState> {
    const { owner, pools, lastErrors } = this.#parts;
    const found = pools.find(externalId);
    const states = Array.from(found?.entries ?? [], poolState);
    const sum = (count: (pool: PoolState) => number): number =>
      states.reduce((total, pool) => total + count(pool), 0);
    return {
      externalId,
      paused: found?.paused ?? false,
      clients: owner.clientsOf(externalId),
      clientsWaiting: sum(({ waiting }) => waiting),
      servers: found?.group.taken ?? 0,
      serversIdle: sum(({ serversIdle }) => serversIdle),
      serversActive: sum(({ serversActive }) => serversActive),
      pins: sum(({ pins }) => pins),
      pools: states,
      lastErrors: lastErrors.of(externalId),
    };
  }

  terminate(externalId: string): Promise<EndedTraffic> {
    return this.drain(externalId, 0);
  }

  async pause(externalId: string, timeoutMs: number): Promise<PauseOutcome> {
    const { clock, pools, directory } = this.#parts;
    const tenant = await directory.lookup(externalId);
    if (tenant === null) throw new TenantNotFoundError(externalId);
    const paused = pools.ensure(tenant);
    paused.pause();
    const deadlineMs = clock.now() + timeoutMs;
    while (paused.servers > 0 && paused.paused && clock.now() < deadlineMs)
      // oxlint-disable-next-line no-await-in-loop -- there is no event for the last of many
      await this.#wait(POLL_MS);
    const { servers } = paused;
    if (servers === 0 && paused.paused) return { paused: true, servers };
    this.#resume(externalId, paused);
    return { paused: false, servers };
  }

  async resume(externalId: string): Promise<void> {
    const paused = this.#parts.pools.find(externalId);
    if (paused !== null) this.#resume(externalId, paused);
  }

  async drain(externalId: string, timeoutMs: number): Promise<EndedTraffic> {
    const { owner, pools } = this.#parts;
    const servers = pools.find(externalId)?.group.taken ?? 0;
    // With no time to lose, servers are told first: those that clients leave behind are not lent again.
    if (timeoutMs === 0) pools.find(externalId)?.renew();
    const error = new TerminatedByOperatorError();
    const clients = await owner.endClients(externalId, null, error, timeoutMs);
    if (timeoutMs > 0) pools.find(externalId)?.renew();
    return { clients, servers };
  }

  async addressBans(externalId: string): Promise<readonly AddressBan[]> {
    return this.#parts.addressBans.list(externalId);
  }

  async liftAddressBans(
    externalId: string,
    addresses: readonly string[],
  ): Promise<readonly AddressBan[]> {
    return this.#parts.addressBans.lift(externalId, addresses);
  }

  async refresh(): Promise<void> {
    await Promise.race([this.#parts.directory.refresh(), this.#wait(REFRESH_TIMEOUT_MS)]);
  }

  #resume(externalId: string, pools: TenantPools): void {
    pools.resume();
    this.#parts.pools.sweep(externalId);
  }

  #wait(delayMs: number): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#parts.clock.after(delayMs, resolve);
    return promise;
  }
}

function poolState({ pool, database }: PoolEntry): PoolState {
  const { size, waiting, idle, active, opening } = pool.counts;
  return {
    user: pool.name.user,
    database,
    mode: pool.name.mode,
    size,
    clients: pool.clients,
    waiting,
    serversIdle: idle,
    serversActive: active,
    serversOpening: opening,
    pins: pool.pins.taken,
    paused: pool.paused,
    lastError: pool.openError?.message ?? null,
  };
}

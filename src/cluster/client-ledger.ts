/**
 * How many clients there are of each tenant, user and pool over all workers of a node, for those tenants whose
 * clients are at several. One place to count, so that a limit holds exactly whoever asks first.
 * Pure: what the workers say goes in, whether a client may stay comes out.
 */

/** Whom a client counts for. */
export interface CountedClient {
  readonly tenant: string;
  /** The name that it logs in with. */
  readonly alias: string;
  /** Names the pool that it uses, another one for each; null: a native client has none. */
  readonly pool: string | null;
}

/** The most there may be, as the tenant's record says. */
export interface ClientLimits {
  /** Clients of the tenant; null: no limit. */
  readonly tenantMax: number | null;
  /** Clients of the user. */
  readonly userMax: number;
  /** Pools that have clients. */
  readonly poolsMax: number;
}

/** Which limit is reached, and how many there are. */
export interface LedgerRefusal {
  readonly limit: "tenant" | "user" | "pools";
  readonly current: number;
  readonly max: number;
}

/** Clients of one name in one pool: how many of them a worker has. */
export interface ClientCount extends CountedClient {
  readonly clients: number;
}

/** Of a tenant. No count is 0. */
interface Counts {
  all: number;
  readonly aliases: Map<string, number>;
  readonly pools: Map<string, number>;
  readonly workers: Map<number, Map<string, ClientCount>>;
}

export class ClientLedger {
  readonly #tenants = new Map<string, Counts>();

  /** Tenants that have clients. */
  get tenants(): number {
    return this.#tenants.size;
  }

  /** Clients of a tenant. */
  clientsOf(tenant: string): number {
    return this.#tenants.get(tenant)?.all ?? 0;
  }

  /** Counts a client of `worker` and returns null; or returns why there is no room for it. */
  enter(worker: number, client: CountedClient, limits: ClientLimits): LedgerRefusal | null {
    const refusal = this.#refusal(client, limits);
    if (refusal === null) this.add(worker, { ...client, clients: 1 });
    return refusal;
  }

  /** Counts clients of `worker`, whatever the limits say: they are there. */
  add(worker: number, count: ClientCount): void {
    if (count.clients > 0) this.#change(worker, count, count.clients);
  }

  /** Clients of `worker` have left. More than it had: then it has none. */
  remove(worker: number, count: ClientCount): void {
    const key = keyOf(count);
    const had = this.#tenants.get(count.tenant)?.workers.get(worker)?.get(key)?.clients ?? 0;
    const left = Math.min(had, count.clients);
    if (left > 0) this.#change(worker, count, -left);
  }

  /** Forgets the clients of a tenant that `worker` has. */
  forget(worker: number, tenant: string): void {
    const counts = this.#tenants.get(tenant)?.workers.get(worker);
    for (const count of counts?.values() ?? []) this.remove(worker, count);
  }

  /** The worker is gone, and its clients with it. */
  forgetWorker(worker: number): void {
    for (const tenant of this.#tenants.keys()) this.forget(worker, tenant);
  }

  #refusal({ tenant, alias, pool }: CountedClient, limits: ClientLimits): LedgerRefusal | null {
    const { tenantMax, userMax, poolsMax } = limits;
    const counts = this.#tenants.get(tenant);
    const all = counts?.all ?? 0;
    if (tenantMax !== null && all >= tenantMax)
      return { limit: "tenant", current: all, max: tenantMax };
    const ofUser = counts?.aliases.get(alias) ?? 0;
    if (ofUser >= userMax) return { limit: "user", current: ofUser, max: userMax };
    const pools = counts?.pools.size ?? 0;
    const needsPool = pool !== null && counts?.pools.has(pool) !== true;
    return needsPool && pools >= poolsMax
      ? { limit: "pools", current: pools, max: poolsMax }
      : null;
  }

  #change(worker: number, count: ClientCount, by: number): void {
    const { tenant, alias, pool } = count;
    const counts = this.#countsOf(tenant);
    counts.all += by;
    bump(counts.aliases, alias, by);
    if (pool !== null) bump(counts.pools, pool, by);
    this.#changeWorker(counts, worker, count, by);
    if (counts.all === 0) this.#tenants.delete(tenant);
  }

  #changeWorker(counts: Counts, worker: number, count: ClientCount, by: number): void {
    const key = keyOf(count);
    const own = counts.workers.get(worker) ?? new Map<string, ClientCount>();
    const clients = (own.get(key)?.clients ?? 0) + by;
    if (clients > 0) own.set(key, { ...count, clients });
    else own.delete(key);
    if (own.size > 0) counts.workers.set(worker, own);
    else counts.workers.delete(worker);
  }

  #countsOf(tenant: string): Counts {
    const known = this.#tenants.get(tenant);
    if (known !== undefined) return known;
    const counts = { all: 0, aliases: new Map(), pools: new Map(), workers: new Map() };
    this.#tenants.set(tenant, counts);
    return counts;
  }
}

function keyOf({ alias, pool }: CountedClient): string {
  return JSON.stringify([alias, pool]);
}

function bump(counts: Map<string, number>, key: string, by: number): void {
  const count = (counts.get(key) ?? 0) + by;
  if (count > 0) counts.set(key, count);
  else counts.delete(key);
}

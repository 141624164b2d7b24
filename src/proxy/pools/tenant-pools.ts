/**
 * The pools of one tenant, by user, database and mode: made when a client first needs one, changed in
 * place when the tenant's record changes, closed when their user is gone.
 */

import type { PoolerError } from "../../base/pooler-error.ts";
import type { PermitOffice, Permits } from "../../pool/permits.ts";
import { PoolGroup } from "../../pool/pool-group.ts";
import { StatementInterner } from "../../session/statements/statement.ts";
import type { SqlReader } from "../../sql/sql-reader.ts";
import { findLoginUser } from "../../tenants/find-login-user.ts";
import { poolUser } from "../../tenants/queried-user.ts";
import type { StoredTenant } from "../../tenants/tenant.ts";
import type { TenantUser } from "../../tenants/tenant-user.ts";
import { TooManyPoolsError, UserRemovedError } from "../proxy-errors.ts";
import { poolKey } from "./pool-key.ts";
import type { PoolMode } from "./pool-name.ts";
import type { PoolRecipe } from "./pool-recipe.ts";
import { type PoolRecipes, tokenRecipe } from "./pool-recipes.ts";
import { ServerPool } from "./server-pool.ts";
import type { ServerPoolEnvironment } from "./server-pool-environment.ts";
import type { TenantShare } from "./tenant-share.ts";

export interface TenantPoolsEnvironment extends ServerPoolEnvironment {
  /** Reads the SQL of all clients. */
  readonly reader: SqlReader;
  /** Where servers get their permits, on a node of several workers; null: they need none. */
  readonly permits: PermitOffice | null;
}

/** A pool, and whose it is. */
export interface PoolEntry {
  readonly pool: ServerPool;
  /** The name that its clients log in with: finds the record again when the tenant changes. */
  readonly alias: string;
  readonly database: string;
  /** As it logged in last, for users that the tenant's record does not list. */
  readonly user: TenantUser;
  /** Its servers are opened by a token that nobody else has. */
  readonly byToken: boolean;
}

export class TenantPools {
  readonly #tenantId: string;
  readonly #recipes: PoolRecipes;
  readonly #environment: TenantPoolsEnvironment;
  readonly #share: TenantShare;
  readonly #onPoolOver: () => void;
  readonly #pools = new Map<string, PoolEntry>();
  /** Closed, with servers that have yet to end. */
  readonly #leaving = new Set<ServerPool>();
  /** The record that the pools are configured by. */
  #record: StoredTenant;
  readonly #removed = new Set<string>();
  #paused = false;

  /** @param onPoolOver a pool has no client and no server any more */
  constructor(
    record: StoredTenant,
    recipes: PoolRecipes,
    environment: TenantPoolsEnvironment,
    onPoolOver: () => void,
  ) {
    const { reader, limits, random } = environment;
    const max = recipes.serversMax(record);
    const groupLimits = { max, revision: record.updated_at };
    const permits = environment.permits?.permitsOf(record.external_id, groupLimits) ?? null;
    this.#tenantId = record.external_id;
    this.#record = record;
    this.#recipes = recipes;
    this.#environment = environment;
    this.#onPoolOver = onPoolOver;
    this.#share = {
      statements: new StatementInterner(reader, limits),
      group: new PoolGroup(max, recipes.attempts, random, permits),
      permits,
    };
  }

  /** The record that the pools follow. */
  get record(): StoredTenant {
    return this.#record;
  }

  /** Permits of their servers; null: they need none. */
  get permits(): Permits | null {
    return this.#share.permits;
  }

  /** What limits their servers together. */
  get group(): PoolGroup {
    return this.#share.group;
  }

  /** Those that clients may use. */
  get entries(): Iterable<PoolEntry> {
    return this.#pools.values();
  }

  get paused(): boolean {
    return this.#paused;
  }

  /** Servers of all pools, in whatever state; those of native clients are not among them. */
  get servers(): number {
    let servers = 0;
    for (const pool of this.#all()) servers += pool.servers;
    return servers;
  }

  /** Whether nothing is left that anybody would miss. */
  get over(): boolean {
    const empty = this.#pools.size === 0 && this.#leaving.size === 0;
    return empty && !this.#paused && this.group.over;
  }

  /**
   * Returns the one pool of this user, database and mode. Throws a {@link TooManyPoolsError}.
   * @param tokenHash of the token in the user's `db_password`: each has a pool of its own; null: it is a password
   */
  poolOf(user: TenantUser, database: string, mode: PoolMode, tokenHash: string | null): ServerPool {
    const byToken = tokenHash !== null;
    const key = poolKey(user.db_user_alias, database, mode, tokenHash);
    const known = this.#pools.get(key);
    if (known === undefined || known.pool.clients === 0) this.#expectRoom(key);
    if (known !== undefined) return known.pool;
    const recipe = this.#recipeOf(this.#record, user, database);
    const pool = new ServerPool(
      { tenant: this.#tenantId, user: user.db_user_alias, mode },
      byToken ? tokenRecipe(recipe) : recipe,
      { ...this.#share, key },
      this.#environment,
      this.#onPoolOver,
    );
    if (this.#paused) pool.pause();
    this.#pools.set(key, { pool, alias: user.db_user_alias, database, user, byToken });
    return pool;
  }

  /** The tenant's record is another one now. Pools of users that may no longer log in are closed. */
  follow(record: StoredTenant): void {
    if (!this.#sameAddress(record)) this.group.attempts.moved();
    this.#record = record;
    const max = this.#recipes.serversMax(record);
    this.group.changeMax(max, this.#environment.net.clock.now());
    for (const [key, { pool, alias, database, user, byToken }] of this.#pools) {
      const login = findLoginUser(record, alias);
      if (login === null) {
        this.#removed.add(alias);
        this.#letGo(key, pool, new UserRemovedError());
        continue;
      }
      const recipe = this.#recipeOf(record, poolUser(record, alias) ?? user, database);
      const { secrets } = pool.recipe;
      // But for passwords of the record, its secret is what the latest login brought.
      if (byToken) pool.reconfigure({ ...tokenRecipe(recipe), secrets });
      else pool.reconfigure(login.source === "store" ? recipe : { ...recipe, secrets });
    }
    this.#share.permits?.follow({ max, revision: record.updated_at });
  }

  /** Returns the names of users whose pools were closed since it was asked last. */
  takeRemoved(): readonly string[] {
    const removed = [...this.#removed];
    this.#removed.clear();
    return removed;
  }

  /** Pools in which nothing is left are forgotten. */
  sweep(): void {
    for (const [key, { pool }] of this.#pools)
      if (pool.over) {
        pool.leave();
        this.#pools.delete(key);
      }
    for (const pool of this.#leaving)
      if (pool.over) {
        pool.leave();
        this.#leaving.delete(pool);
      }
  }

  /** Lends no server until {@link resume}, and ends those there are as they come back. */
  pause(): void {
    this.#paused = true;
    for (const { pool } of this.#pools.values()) pool.pause();
  }

  resume(): void {
    this.#paused = false;
    for (const { pool } of this.#pools.values()) pool.resume();
  }

  /** Ends all servers there are, as they come back. */
  renew(): void {
    for (const { pool } of this.#pools.values()) pool.renew();
  }

  /** Lends nothing to anybody who is here now; who comes later gets new pools. */
  dismiss(error: PoolerError): void {
    for (const [key, { pool }] of this.#pools) this.#letGo(key, pool, error);
  }

  /** It is {@link over}, and not used again. */
  leave(): void {
    this.#share.permits?.end();
  }

  /** Lends nothing any more. */
  close(error: PoolerError): void {
    for (const { pool } of this.#pools.values()) pool.close(error);
  }

  /** What is to be kept open is kept open once, however many workers have the pool. */
  #recipeOf(record: StoredTenant, user: TenantUser, database: string): PoolRecipe {
    const recipe = this.#recipes.recipeOf(record, user, database);
    const keepsOpen = this.#environment.permits?.keepsOpen(this.#tenantId) ?? true;
    return keepsOpen ? recipe : { ...recipe, limits: { ...recipe.limits, sizeMin: 0 } };
  }

  *#all(): Iterable<ServerPool> {
    for (const { pool } of this.#pools.values()) yield pool;
    yield* this.#leaving;
  }

  #sameAddress(record: StoredTenant): boolean {
    const [before, after] = [this.#record, record].map((it) => this.#recipes.addressOf(it));
    return Bun.deepEquals(before, after, true);
  }

  #letGo(key: string, pool: ServerPool, error: PoolerError): void {
    this.#pools.delete(key);
    this.#leaving.add(pool);
    pool.close(error);
    this.sweep();
  }

  /**
   * Only pools with clients count. What others leave idle gives way where there would be more pools than
   * the limit.
   */
  #expectRoom(key: string): void {
    const max = this.#recipes.poolsMax(this.#record);
    let inUse = 0;
    for (const { pool } of this.#pools.values()) if (pool.clients > 0) inUse += 1;
    if (inUse >= max) throw new TooManyPoolsError(inUse, max);
    if (this.#pools.size < max || this.#pools.has(key)) return;
    const error = new TooManyPoolsError(inUse, max);
    for (const [other, { pool }] of this.#pools)
      if (pool.clients === 0 && this.#pools.size >= max) this.#letGo(other, pool, error);
  }
}

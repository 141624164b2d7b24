/**
 * Secrets by `auth_query`, for all tenants of this worker. Each has its own connection, its own back-off and its own
 * memory: a tenant whose database is away costs the others nothing.
 */

import { Alarm } from "../../pool/ticker.ts";
import { AuthQueryMissingError } from "../../session/login/auth-query-errors.ts";
import type { StoredTenant } from "../../tenants/tenant.ts";
import type { TenantUser } from "../../tenants/tenant-user.ts";
import { orNever } from "../client/session-times.ts";
import type { PoolTimes } from "../pools/pool-recipes.ts";
import type { PoolRegistry } from "../pools/pool-registry.ts";
import type { AuthQueryRecipe } from "./auth-query-connection.ts";
import { TenantSecrets, type TenantSecretsEnvironment } from "./tenant-secrets.ts";
import { storedSecrets } from "./user-secrets.ts";

/** How often tenants are forgotten whose secrets are too old to be of use. */
const SWEEP_MS = 3_600_000;

/** Where a tenant's servers are. */
export type ServerPlaces = Pick<PoolRegistry, "addressOf" | "connectTimeoutMs">;

type ServerTimes = Pick<
  PoolTimes,
  "serverIdleTimeoutMs" | "serverLifetimeMs" | "serverLoginRetryMs"
>;

interface Entry {
  readonly secrets: TenantSecrets;
  /** The record that it follows. */
  record: StoredTenant;
}

export class AuthQueries {
  readonly #environment: TenantSecretsEnvironment;
  readonly #places: ServerPlaces;
  readonly #times: ServerTimes;
  readonly #tenants = new Map<string, Entry>();
  readonly #sweepAlarm: Alarm;

  constructor(environment: TenantSecretsEnvironment, places: ServerPlaces, times: ServerTimes) {
    this.#environment = environment;
    this.#places = places;
    this.#times = times;
    this.#sweepAlarm = new Alarm(() => this.#sweep());
  }

  /**
   * Returns what PostgreSQL keeps of the role's password, SCRAM or MD5; null: nobody may log in by this name.
   * @throws {PoolerError} as {@link TenantSecrets.secretOf}, and where the tenant has no query
   */
  async secretOf(tenant: StoredTenant, manager: TenantUser, role: string): Promise<string | null> {
    return this.#secretsOf(tenant, manager).secretOf(role);
  }

  /** Whether PostgreSQL has told another secret of the role since it told `text`. */
  isOutdated(tenantId: string, role: string, text: string | null): boolean {
    const secrets = this.#tenants.get(tenantId)?.secrets;
    return secrets !== undefined && text !== null && secrets.isOutdated(role, text);
  }

  /** A login failed by the role's secret: the next one asks for it, whatever AUTH_QUERY_CACHE allows. */
  doubt(tenantId: string, role: string): void {
    this.#tenants.get(tenantId)?.secrets.doubt(role);
  }

  /** PostgreSQL does not take the role's secret: the next login asks for it. */
  forget(tenantId: string, role: string): void {
    this.#tenants.get(tenantId)?.secrets.forget(role);
  }

  /** Connections of a tenant for its `auth_query`, beside those of its pools. */
  serversOf(tenantId: string): number {
    return this.#tenants.get(tenantId)?.secrets.servers ?? 0;
  }

  /** Connections of all tenants. */
  get servers(): number {
    let servers = 0;
    for (const { secrets } of this.#tenants.values()) servers += secrets.servers;
    return servers;
  }

  /** The tenant is gone, or takes its passwords from elsewhere. */
  drop(tenantId: string): void {
    this.#tenants.get(tenantId)?.secrets.close();
    this.#tenants.delete(tenantId);
  }

  /** Ends all connections. */
  close(): void {
    for (const { secrets } of this.#tenants.values()) secrets.close();
    this.#tenants.clear();
    this.#environment.ticker.silence(this.#sweepAlarm);
  }

  #secretsOf(tenant: StoredTenant, manager: TenantUser): TenantSecrets {
    const { external_id: id } = tenant;
    const known = this.#tenants.get(id);
    // One that was deleted and made again is another tenant.
    if (known !== undefined && known.record.id !== tenant.id) this.drop(id);
    else if (known !== undefined) {
      if (known.record !== tenant) known.secrets.follow(this.#recipe(tenant, manager));
      known.record = tenant;
      return known.secrets;
    }
    const secrets = new TenantSecrets(this.#recipe(tenant, manager), this.#environment);
    this.#tenants.set(id, { secrets, record: tenant });
    const { ticker } = this.#environment;
    ticker.ringBy(this.#sweepAlarm, ticker.nowMs + SWEEP_MS);
    return secrets;
  }

  #recipe(tenant: StoredTenant, manager: TenantUser): AuthQueryRecipe {
    if (tenant.auth_query === null) throw new AuthQueryMissingError();
    const times = this.#times;
    return {
      address: this.#places.addressOf(tenant),
      user: manager.db_user,
      secrets: storedSecrets(manager),
      database: tenant.db_database,
      query: tenant.auth_query,
      connectTimeoutMs: this.#places.connectTimeoutMs(tenant, manager),
      idleTimeoutMs: orNever(tenant.server_idle_timeout ?? times.serverIdleTimeoutMs),
      lifetimeMs: orNever(tenant.server_lifetime ?? times.serverLifetimeMs),
      retryMaxMs: tenant.server_login_retry ?? times.serverLoginRetryMs,
    };
  }

  #sweep(): void {
    for (const [id, { secrets }] of this.#tenants) if (secrets.over) this.drop(id);
    if (this.#tenants.size === 0) return;
    const { ticker } = this.#environment;
    ticker.ringBy(this.#sweepAlarm, ticker.nowMs + SWEEP_MS);
  }
}

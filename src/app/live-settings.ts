/**
 * The settings as they hold now, in the shapes that the rooms read. A part keeps this object and asks
 * it each time, so a reload reaches every part by one assignment.
 */

import type { Config } from "../config/settings.ts";
import type { AddressBanLimits } from "../proxy/login/address-bans.ts";
import type { AuthQuerySettings } from "../proxy/login/auth-query-connection.ts";
import type { ClientAuthMethod } from "../proxy/login/client-authentication.ts";
import type { OwnerLimits } from "../proxy/owner.ts";
import type { PoolTimes } from "../proxy/pools/pool-recipes.ts";
import type { ServerPoolLimits } from "../proxy/pools/server-pool-environment.ts";

/** The longest text of a named statement that is kept: PostgreSQL's own tools stay far below. */
const STATEMENT_BYTES_MAX = 1_048_576;

export class LiveSettings
  implements PoolTimes, ServerPoolLimits, OwnerLimits, AddressBanLimits, AuthQuerySettings
{
  readonly statementBytesMax = STATEMENT_BYTES_MAX;
  config: Config;
  /** PEM of GLOBAL_UPSTREAM_CA_PATH, or null. */
  certificateAuthority: string | null;

  constructor(config: Config, certificateAuthority: string | null) {
    this.config = config;
    this.certificateAuthority = certificateAuthority;
  }

  get authMethod(): ClientAuthMethod {
    return this.config.clientAuthMethod;
  }

  get authFailureLimit(): number {
    return this.config.authFailureLimit;
  }

  get authFailureWindowMs(): number {
    return this.config.authFailureWindowMs;
  }

  get authFailureBanMs(): number {
    return this.config.authFailureBanMs;
  }

  get authQueryCacheMs(): number {
    return this.config.authQueryCacheMs;
  }

  get authQueryTimeoutMs(): number {
    return this.config.authQueryTimeoutMs;
  }

  get jitTimeoutMs(): number {
    return this.config.jitTimeoutMs;
  }

  get clientLoginTimeoutMs(): number {
    return this.config.clientLoginTimeoutMs;
  }

  get clientIdleTimeoutMs(): number {
    return this.config.clientIdleTimeoutMs;
  }

  get idleTransactionTimeoutMs(): number {
    return this.config.idleTransactionTimeoutMs;
  }

  get queryTimeoutMs(): number {
    return this.config.queryTimeoutMs;
  }

  get transactionTimeoutMs(): number {
    return this.config.transactionTimeoutMs;
  }

  get serverCheckDelayMs(): number {
    return this.config.serverCheckDelayMs;
  }

  get hiddenStateCheck(): number {
    return this.config.hiddenStateCheck;
  }

  get minPoolSize(): number {
    return this.config.minPoolSize;
  }

  get maxPins(): number | null {
    return this.config.maxPins;
  }

  get reservePoolSize(): number {
    return this.config.reservePoolSize;
  }

  get reservePoolTimeoutMs(): number {
    return this.config.reservePoolTimeoutMs;
  }

  get messageBytesMax(): number {
    return this.config.maxMessageSizeBytes;
  }

  get clientStatementsMax(): number {
    return this.config.maxClientPreparedStatements;
  }

  get tenantStatementBytesMax(): number {
    return this.config.maxTenantStatementMemoryBytes;
  }

  get cancelTimeoutMs(): number {
    return this.config.cancelWaitTimeoutMs;
  }

  get scramIterationsMax(): number {
    return this.config.scramIterationsMax;
  }

  get serverStatementsMax(): number {
    return this.config.maxPreparedStatements;
  }

  get unprovenAttemptsMax(): number {
    return this.config.serverConnectAttempts;
  }

  get failFastAfterMs(): number {
    return this.config.serverFailFastAfterMs;
  }

  get maxTenantPools(): number {
    return this.config.maxTenantPools;
  }

  get poolCheckoutTimeoutMs(): number {
    return this.config.poolCheckoutTimeoutMs;
  }

  get serverConnectTimeoutMs(): number {
    return this.config.serverConnectTimeoutMs;
  }

  get serverIdleTimeoutMs(): number {
    return this.config.serverIdleTimeoutMs;
  }

  get serverLifetimeMs(): number {
    return this.config.serverLifetimeMs;
  }

  get serverLoginRetryMs(): number {
    return this.config.serverLoginRetryMs;
  }
}

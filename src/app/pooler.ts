/**
 * The pooler of one process: builds every part, starts them from the lowest floor up, and stops them
 * in reverse.
 */

import { createHmac } from "node:crypto";
import type { Clock } from "../base/clock.ts";
import type { Logger } from "../base/logger.ts";
import type { Random } from "../base/random.ts";
import { clientsMax, readDescriptorLimit } from "../config/descriptor-limit.ts";
import type { Config } from "../config/settings.ts";
import { ClientStartup } from "../edge/client-startup.ts";
import { TenantResolver } from "../edge/tenant-resolver.ts";
import type { PortMode } from "../net/channel-opening.ts";
import { KernelOptions } from "../net/kernel-options.ts";
import { type Listener, listen, PortInUseError } from "../net/listener.ts";
import type { NetEnvironment } from "../net/net-environment.ts";
import { TlsContexts } from "../net/tls-contexts.ts";
import { Ticker } from "../pool/ticker.ts";
import { CancelRegistry } from "../proxy/cancel-registry.ts";
import { Owner } from "../proxy/owner.ts";
import { PoolRegistry } from "../proxy/pool-registry.ts";
import { PoolerCounters } from "../proxy/pooler-counters.ts";
import { RelayScratch } from "../proxy/relay-scratch.ts";
import { Verifiers } from "../proxy/verifiers.ts";
import { TenantDirectory } from "../tenants/tenant-directory.ts";
import type { TenantStore } from "../tenants/tenant-store.ts";
import { PortTakenError } from "./start-errors.ts";

export interface PoolerParts {
  readonly config: Config;
  readonly store: TenantStore;
  /** The key of the vault: salts of users that do not exist are derived from it. */
  readonly vaultKey: Uint8Array;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  /** PEM of GLOBAL_UPSTREAM_CA_PATH, or null. */
  readonly certificateAuthority: string | null;
}

/** Where the pooler listens. */
export type PoolerPorts = Readonly<Record<PortMode, number>>;

/** Accept queue of each port; the kernel caps it at net.core.somaxconn. */
const BACKLOG = 4096;

/** Tenants kept in memory, some 2 KB each. */
const TENANTS_MAX = 100_000;

/** The longest text of a named statement that is kept: PostgreSQL's own tools stay far below. */
const STATEMENT_BYTES_MAX = 1_048_576;

/** How often it is looked whether all servers are closed. */
const STOP_POLL_MS = 10;

export class Pooler {
  readonly counters = new PoolerCounters();
  readonly #parts: PoolerParts;
  readonly #environment: NetEnvironment;
  readonly #directory: TenantDirectory;
  readonly #pools: PoolRegistry;
  readonly #owner: Owner;
  readonly #tls: TlsContexts | null;
  readonly #listeners: { readonly mode: PortMode; readonly listener: Listener }[] = [];
  readonly #connections: { open: number; readonly max: number };

  constructor(parts: PoolerParts) {
    const { config, store, clock, random, logger } = parts;
    const { counters } = this;
    this.#parts = parts;
    this.#environment = { clock, logger, kernel: new KernelOptions() };
    this.#directory = new TenantDirectory({
      store,
      clock,
      logger,
      tenantsMax: TENANTS_MAX,
      onChanged: (externalIds) => void this.#onTenantsChanged(externalIds),
    });
    const scratch = new RelayScratch(clock);
    const ticker = new Ticker({ clock, onFault: (error) => logFault(logger, error) });
    this.#pools = new PoolRegistry(
      {
        net: this.#environment,
        ticker,
        random,
        logger,
        scratch,
        counters,
        limits: poolLimits(config),
      },
      {
        serverConnectTimeoutMs: config.serverConnectTimeoutMs,
        serverIdleTimeoutMs: config.serverIdleTimeoutMs,
        serverLifetimeMs: config.serverLifetimeMs,
        serverLoginRetryMs: config.serverLoginRetryMs,
        certificateAuthority: parts.certificateAuthority,
      },
    );
    this.#owner = new Owner({
      clock,
      random,
      logger,
      directory: this.#directory,
      pools: this.#pools,
      cancels: new CancelRegistry(0, 0, random),
      verifiers: new Verifiers(random),
      scratch,
      counters,
      environment: this.#environment,
      mockSecret: createHmac("sha256", parts.vaultKey).update("carpool mock verifiers").digest(),
      authMethod: config.clientAuthMethod,
      limits: {
        clientLoginTimeoutMs: config.clientLoginTimeoutMs,
        serverConnectTimeoutMs: config.serverConnectTimeoutMs,
        messageBytesMax: config.maxMessageSizeBytes,
        statementBytesMax: STATEMENT_BYTES_MAX,
        clientStatementsMax: config.maxClientPreparedStatements,
      },
    });
    this.#tls = tlsContexts(config);
    this.#connections = { open: 0, max: clientsMax(config.maxConnections, readDescriptorLimit()) };
  }

  /** The ports, also where the system chose them. */
  get ports(): PoolerPorts {
    const portOf = (wanted: PortMode): number =>
      this.#listeners.find(({ mode }) => mode === wanted)?.listener.port ?? 0;
    return {
      transaction: portOf("transaction"),
      session: portOf("session"),
      native: portOf("native"),
    };
  }

  /** Clients that are logged in. */
  get clients(): number {
    return this.#owner.clients;
  }

  /** Listens. Throws {@link PortTakenError} with the setting that names the port; nothing is open then. */
  async start(): Promise<void> {
    const { config } = this.#parts;
    await this.#directory.start();
    try {
      for (const hostname of config.listenAddress) {
        this.#listen(
          "transaction",
          "PROXY_PORT_TRANSACTION",
          hostname,
          config.proxyPortTransaction,
        );
        this.#listen("session", "PROXY_PORT_SESSION", hostname, config.proxyPortSession);
        this.#listen("native", "PROXY_PORT_NATIVE", hostname, config.proxyPortNative);
      }
    } catch (error) {
      await this.stop(0);
      throw error;
    }
  }

  /** Reads certificates again; connections that stand keep theirs. */
  reload(): void {
    this.#tls?.reload();
  }

  /** Takes no more clients, ends those there are, and waits so long for servers to close. */
  async stop(timeoutMs: number): Promise<void> {
    for (const { listener } of this.#listeners) listener.stop();
    this.#directory.stop();
    this.#owner.stop();
    const { clock } = this.#parts;
    const deadline = clock.now() + timeoutMs;
    // oxlint-disable-next-line no-await-in-loop -- there is no event for the last of many
    while (!this.#pools.over && clock.now() < deadline) await Bun.sleep(STOP_POLL_MS);
  }

  #listen(mode: PortMode, setting: string, hostname: string, port: number): void {
    try {
      const listener = listen(
        {
          hostname,
          port,
          backlog: BACKLOG,
          onConnection: (transport) => {
            this.#connections.open = this.#openTransports();
            const startup = new ClientStartup(transport, mode, {
              clock: this.#parts.clock,
              logger: this.#parts.logger,
              owner: this.#owner,
              resolver: new TenantResolver(this.#directory, this.#parts.config.defaultTenant),
              tls: this.#tls,
              timeoutMs: this.#parts.config.clientLoginTimeoutMs,
              connections: this.#connections,
            });
            startup.start();
          },
        },
        this.#environment,
      );
      this.#listeners.push({ mode, listener });
    } catch (error) {
      if (error instanceof PortInUseError) throw new PortTakenError(setting, hostname, port);
      throw error;
    }
  }

  #openTransports(): number {
    return this.#listeners.reduce((sum, { listener }) => sum + listener.openTransports, 0);
  }

  /** Pools follow their tenants' records; where the record is gone, see the tenant's next login. */
  async #onTenantsChanged(
    externalIds: ReadonlySet<string> | readonly string[] | "all",
  ): Promise<void> {
    const ids = externalIds === "all" ? [...this.#pools.tenants] : externalIds;
    for (const externalId of ids) {
      try {
        // oxlint-disable-next-line no-await-in-loop -- one after the other: nobody waits for this
        const tenant = await this.#directory.lookup(externalId);
        if (tenant !== null) this.#pools.reconfigure(tenant);
      } catch (error) {
        logFault(this.#parts.logger, error);
      }
    }
  }
}

function poolLimits(config: Config) {
  return {
    serverConnectTimeoutMs: config.serverConnectTimeoutMs,
    cancelTimeoutMs: config.cancelWaitTimeoutMs,
    scramIterationsMax: config.scramIterationsMax,
    serverStatementsMax: config.maxPreparedStatements,
  };
}

function tlsContexts(config: Config): TlsContexts | null {
  const { globalDownstreamCertPath: certificatePath, globalDownstreamKeyPath: keyPath } = config;
  return certificatePath === null || keyPath === null
    ? null
    : new TlsContexts([{ certificatePath, keyPath }]);
}

function logFault(logger: Logger, error: unknown): void {
  logger.error(
    { error: error instanceof Error ? (error.stack ?? error.message) : String(error) },
    "internal error",
  );
}

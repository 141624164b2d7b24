/**
 * The pooler of one process: builds every part, starts them from the lowest floor up, and stops them
 * in reverse.
 */

import { createHmac } from "node:crypto";
import type { Clock } from "../base/clock.ts";
import type { Logger } from "../base/logger.ts";
import type { Random } from "../base/random.ts";
import type { WallClock } from "../base/wall-clock.ts";
import type { Config } from "../config/settings.ts";
import { LocalTraffic } from "../control/local-traffic.ts";
import type { Traffic } from "../control/traffic.ts";
import { CANCEL_VERB, decodeCancel } from "../edge/cancel-notice.ts";
import { ClientGate } from "../edge/client-gate.ts";
import { ClientStartup } from "../edge/client-startup.ts";
import { ticketIn } from "../edge/owner-claim.ts";
import { OwnerRouter } from "../edge/owner-router.ts";
import { ProxyTrust } from "../edge/proxy-trust.ts";
import { TenantResolver } from "../edge/tenant-resolver.ts";
import { type TellCancel, ToldCancels } from "../edge/told-cancels.ts";
import type { Channel } from "../net/channel.ts";
import type { ChannelOwner, PortMode } from "../net/channel-opening.ts";
import { decodeChannelOpening } from "../net/channel-opening-codec.ts";
import { KernelOptions } from "../net/kernel-options.ts";
import { PortInUseError } from "../net/listen-error.ts";
import { type Listener, listen } from "../net/listener.ts";
import type { NetEnvironment } from "../net/net-environment.ts";
import type { TlsContexts } from "../net/tls-contexts.ts";
import type { Transport } from "../net/transport.ts";
import { Ticker } from "../pool/ticker.ts";
import { CancelRegistry } from "../proxy/cancel/cancel-registry.ts";
import { LastErrors } from "../proxy/last-errors.ts";
import { AddressBans } from "../proxy/login/address-bans.ts";
import { Admission } from "../proxy/login/admission.ts";
import { AuthQueries } from "../proxy/login/auth-queries.ts";
import { Verifiers } from "../proxy/login/verifiers.ts";
import { Owner } from "../proxy/owner.ts";
import { PoolerCounters } from "../proxy/pooler-counters.ts";
import type { PoolPinList } from "../proxy/pools/pin-list.ts";
import { PoolRegistry } from "../proxy/pools/pool-registry.ts";
import { RelayScratch } from "../proxy/server/relay-scratch.ts";
import { cancelAddressOf } from "../session/cancel-key.ts";
import type { Grammar } from "../sql/grammar.ts";
import { SqlReader } from "../sql/sql-reader.ts";
import { TenantDirectory } from "../tenants/tenant-directory.ts";
import type { TenantStore } from "../tenants/tenant-store.ts";
import { clientTls } from "./client-tls.ts";
import type { ListeningSocket } from "./listening/listening-sockets.ts";
import { POOLER_PORTS, type PortPlace, placesOf, SETTING_OF } from "./listening/port-place.ts";
import { LiveSettings } from "./live-settings.ts";
import { ProcessLimits } from "./process-limits.ts";
import { PortTakenError, PortUnusableError } from "./start-errors.ts";
import { Relocation } from "./takeover/relocation.ts";
import { NodeWide } from "./workers/node-wide.ts";
import type { WorkerPlace } from "./workers/worker-place.ts";

export interface PoolerParts {
  readonly config: Config;
  readonly store: TenantStore;
  /** The key of the vault: salts of users that do not exist are derived from it. */
  readonly vaultKey: Uint8Array;
  readonly clock: Clock;
  readonly wallClock: WallClock;
  readonly random: Random;
  readonly logger: Logger;
  /** PEM of GLOBAL_UPSTREAM_CA_PATH, or null. */
  readonly certificateAuthority: string | null;
  readonly grammar: Grammar;
  /** Its place among the workers of the node; absent: it is alone. */
  readonly place?: WorkerPlace;
  /** What it listens on, and closes when it stops; absent: it binds what the settings name. */
  readonly sockets?: readonly ListeningSocket<PortMode>[];
  /** Is told each CancelRequest that comes to the ports; absent: nobody else could have its client. */
  readonly tellCancel?: TellCancel;
}

/** Where the pooler listens. */
export type PoolerPorts = Readonly<Record<PortMode, number>>;

/** Accept queue of each port; the kernel caps it at net.core.somaxconn. */
const BACKLOG = 4096;

/** Carpool has one node so far. */
const NODE = 0;

/** How often it is looked whether all clients have left and all servers are closed. */
const STOP_POLL_MS = 10;

/** PostgreSQL closes a connection within some milliseconds of Terminate, unless it is busy. */
const CLOSE_GRACE_MS = 1000;

export class Pooler {
  readonly counters = new PoolerCounters();
  /** What runs for each tenant, and how it is stopped. */
  readonly traffic: Traffic;
  readonly #parts: PoolerParts;
  readonly #environment: NetEnvironment;
  readonly #directory: TenantDirectory;
  readonly #pools: PoolRegistry;
  /** Who failed to log in too often. */
  readonly addressBans: AddressBans;
  /** Null: it is alone. */
  readonly #nodeWide: NodeWide | null;
  readonly #authQueries: AuthQueries;
  readonly #owner: Owner;
  /** Who gets the clients that come in here: the owner, or what leads to all owners of the node. */
  readonly #router: OwnerRouter | null;
  /** The same, and whoever else may have a client that is to be cancelled. */
  readonly #edgeOwner: ChannelOwner;
  readonly #settings: LiveSettings;
  #tls: TlsContexts | null;
  #proxyTrust: ProxyTrust;
  readonly #listeners: { readonly mode: PortMode; readonly listener: Listener }[] = [];
  readonly #limits: ProcessLimits;
  readonly #gate: ClientGate;
  /** How clients come from another process, and leave for one. */
  readonly relocation: Relocation;

  constructor(parts: PoolerParts) {
    const { config, store, clock, random, logger } = parts;
    this.#parts = parts;
    const settings = new LiveSettings(config, parts.certificateAuthority);
    this.#settings = settings;
    this.#limits = new ProcessLimits(config, clock, logger, parts.place ?? null);
    this.addressBans = new AddressBans(settings, clock, parts.wallClock);
    const nodeWide =
      parts.place === undefined ? null : new NodeWide(parts.place, clock, this.addressBans);
    this.#nodeWide = nodeWide;
    const { dialLimit } = this.#limits;
    this.#environment = { clock, logger, kernel: new KernelOptions(), dialLimit };
    this.#directory = new TenantDirectory({
      store,
      clock,
      logger,
      tenantsMax: config.tenantCacheSize,
      told: parts.place !== undefined,
      onChanged: (externalIds) => void this.#onTenantsChanged(externalIds),
    });
    const scratch = new RelayScratch(clock);
    const lastErrors = new LastErrors(parts.wallClock);
    const ticker = new Ticker({ clock, onFault: (error) => logFault(logger, error) });
    this.#pools = new PoolRegistry(
      {
        net: this.#environment,
        wallClock: parts.wallClock,
        ticker,
        random,
        logger,
        scratch,
        counters: this.counters,
        lastErrors,
        limits: settings,
        reader: new SqlReader(parts.grammar),
        permits: nodeWide?.permits ?? null,
      },
      settings,
      nodeWide?.placeOf,
    );
    this.#authQueries = new AuthQueries(
      { net: this.#environment, wallClock: parts.wallClock, ticker, random, settings },
      this.#pools,
      settings,
    );
    this.#owner = new Owner({
      clock,
      ticker,
      wallClock: parts.wallClock,
      random,
      logger,
      directory: this.#directory,
      pools: this.#pools,
      cancels: new CancelRegistry(NODE, parts.place?.peers.self ?? 0, random),
      admission: new Admission(parts.wallClock, this.addressBans),
      failedLogins: nodeWide?.failedLogins ?? this.addressBans,
      authQueries: this.#authQueries,
      census: nodeWide?.census ?? null,
      verifiers: new Verifiers(
        createHmac("sha256", parts.vaultKey).update("carpool mock verifiers").digest(),
      ),
      scratch,
      counters: this.counters,
      lastErrors,
      environment: this.#environment,
      get authMethod() {
        return settings.authMethod;
      },
      limits: settings,
    });
    this.traffic = new LocalTraffic({
      clock,
      owner: this.#owner,
      pools: this.#pools,
      directory: this.#directory,
      addressBans: this.addressBans,
      lastErrors,
    });
    this.#router = nodeWide === null ? null : this.#routerAt(nodeWide);
    const owner = this.#router ?? this.#owner;
    const ends = { owner: this.#owner, router: this.#router, limits: this.#limits };
    this.relocation = new Relocation({ ...ends, environment: this.#environment });
    const { tellCancel } = parts;
    this.#edgeOwner = tellCancel === undefined ? owner : new ToldCancels(owner, tellCancel);
    this.#tls = clientTls(config);
    this.#proxyTrust = proxyTrust(config);
    this.#gate = new ClientGate(this.#limits);
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

  /** Most clients and servers at a time. */
  get connectionsMax(): { readonly clients: number; readonly servers: number } {
    return this.#limits.connectionsMax;
  }

  /** Tenants that have pools. */
  get tenantsInUse(): number {
    return this.#pools.size;
  }

  /** A CancelRequest for a client of this process came to another one. */
  cancel(processId: number, secretKey: Uint8Array): void {
    this.#owner.cancel(processId, secretKey);
  }

  /** A worker of this node has opened a channel here, for a client of a tenant that is owned here. */
  onLinkChannel(channel: Channel, opening: unknown): void {
    const ticket = ticketIn(opening);
    if (ticket === null) this.#owner.open(channel, decodeChannelOpening(opening));
    else this.#owner.reopen(channel, ticket);
  }

  onLinkNotice(verb: string, body: unknown): void {
    const cancel = verb === CANCEL_VERB ? decodeCancel(body) : null;
    if (cancel !== null) this.cancel(cancel.processId, cancel.secretKey);
  }

  /** Returns who is pinned, in the pools in which anybody is. */
  listPins(): readonly PoolPinList[] {
    return this.#pools.listPins();
  }

  /** Listens. Throws {@link PortTakenError} with the setting that names the port; nothing is open then. */
  async start(): Promise<void> {
    await this.#directory.start();
    await this.#nodeWide?.catchUp(this.traffic);
    await this.#directory.refresh(); // of what has changed meanwhile, a worker could not be told
    await this.#limits.start();
    try {
      const { config, place, sockets = placesOf(config, POOLER_PORTS) } = this.#parts;
      for (const socket of sockets) this.#listen({ ...socket, shared: place !== undefined });
    } catch (error) {
      await this.stop(0);
      throw error;
    }
  }

  /**
   * Takes over new settings, and reads certificates again; connections that stand keep theirs. The ports
   * stay. Throws a TlsConfigurationError, and then nothing has changed.
   */
  reload(config: Config, certificateAuthority: string | null): void {
    const tls = clientTls(config);
    this.#tls = tls;
    this.#proxyTrust = proxyTrust(config);
    this.#settings.config = config;
    this.#settings.certificateAuthority = certificateAuthority;
    this.#limits.reload(config);
    void this.#onTenantsChanged("all");
  }

  /** Takes no more clients; those who are in stay. Idempotent. */
  stopListening(): void {
    for (const { listener } of this.#listeners) listener.stop();
    this.relocation.stopListening();
  }

  /**
   * Takes no more clients and sends idle ones away; the others when their transaction is over, or when
   * `timeoutMs` are. Returns when all clients are gone and the servers closed, or soon after the time is over.
   */
  async stop(timeoutMs: number): Promise<void> {
    this.stopListening();
    this.#owner.drain();
    await this.#untilOver(timeoutMs);
    this.#owner.stop();
    await this.#untilOver(CLOSE_GRACE_MS);
    this.#limits.stop();
    this.#directory.stop();
  }

  /** Whether nobody needs this worker any more: clients whose owner is elsewhere do, until it lets them go. */
  get #over(): boolean {
    return this.clients === 0 && this.#pools.over && (this.#router?.farClients ?? 0) === 0;
  }

  /** Returns when no client and no server is left, or after `timeoutMs`. */
  async #untilOver(timeoutMs: number): Promise<void> {
    const { clock } = this.#parts;
    const deadline = clock.now() + timeoutMs;
    while (!this.#over && clock.now() < deadline) {
      // oxlint-disable-next-line no-await-in-loop -- there is no event for the last of many
      await Bun.sleep(STOP_POLL_MS);
    }
  }

  #routerAt({ peers, ownership }: NodeWide): OwnerRouter {
    return new OwnerRouter({
      local: this.#owner,
      ownership,
      peers,
      directory: this.#directory,
      clock: this.#parts.clock,
      onFault: (fault) => logFault(this.#parts.logger, fault),
      loginTimeoutMs: () => this.#settings.clientLoginTimeoutMs,
      workerOfKey: (processId) => {
        const { node, worker } = cancelAddressOf(processId);
        return node === NODE && worker < peers.workers ? worker : null;
      },
    });
  }

  #listen(place: PortPlace<PortMode> & { readonly shared: boolean }): void {
    const { use, hostname, port } = place;
    try {
      const onConnection = (transport: Transport): void => this.#onConnection(transport, use);
      const listener = listen({ ...place, backlog: BACKLOG, onConnection }, this.#environment);
      this.#listeners.push({ mode: use, listener });
      this.#limits.addListener(listener);
    } catch (error) {
      if (error instanceof PortInUseError) {
        throw new PortTakenError(SETTING_OF[use], hostname, port);
      }
      throw new PortUnusableError(SETTING_OF[use], error);
    }
  }

  #onConnection(transport: Transport, mode: PortMode): void {
    if (this.#gate.overfull) return transport.destroy();
    const { clock, logger } = this.#parts;
    const { config } = this.#settings;
    const startup = new ClientStartup(transport, mode, {
      clock,
      logger,
      owner: this.#edgeOwner,
      resolver: new TenantResolver(this.#directory, config),
      tls: this.#tls,
      timeoutMs: config.clientLoginTimeoutMs,
      gate: this.#gate,
      proxyTrust: this.#proxyTrust,
    });
    startup.start();
  }

  /** Pools and clients follow their tenants' records. */
  async #onTenantsChanged(
    externalIds: ReadonlySet<string> | readonly string[] | "all",
  ): Promise<void> {
    const ids =
      externalIds === "all"
        ? new Set([...this.#pools.tenants, ...this.#owner.tenants])
        : externalIds;
    for (const externalId of ids) {
      try {
        // oxlint-disable-next-line no-await-in-loop -- one after the other: nobody waits for this
        const tenant = await this.#directory.lookup(externalId);
        if (tenant === null || tenant.require_user) this.#authQueries.drop(externalId);
        this.#owner.follow(externalId, tenant);
      } catch (error) {
        logFault(this.#parts.logger, error);
      }
    }
  }
}

function proxyTrust({ proxyProtocol, proxyProtocolTrusted }: Config): ProxyTrust {
  return new ProxyTrust(proxyProtocol, proxyProtocolTrusted ?? []);
}

function logFault(logger: Logger, error: unknown): void {
  logger.error(
    { error: error instanceof Error ? (error.stack ?? error.message) : String(error) },
    "internal error",
  );
}

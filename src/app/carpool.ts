/**
 * All of Carpool in one process: the pooler and its HTTP interface over an open store.
 * Starts from the lowest floor up, stops in reverse.
 */

import { resolve } from "node:path";
import { type ApiSettings, createHttpApp } from "../api/http-app.ts";
import type { NotReady } from "../api/routes/health-routes.ts";
import { errorMessage } from "../base/error-message.ts";
import type { Logger } from "../base/logger.ts";
import type { Config } from "../config/settings.ts";
import { workersOf } from "../config/workers-of.ts";
import { ClusterControl } from "../control/cluster-control.ts";
import { TenantControl } from "../control/tenant-control.ts";
import type { TellCancel } from "../edge/told-cancels.ts";
import { KernelOptions } from "../net/kernel-options.ts";
import { ListeningSocketMaker } from "../net/listening-socket.ts";
import { PostgresqlGrammar } from "./grammar/postgresql-grammar.ts";
import { ApiKeys } from "./http/api-keys.ts";
import { HttpServer } from "./http/http-server.ts";
import { LoggedAudit, type UnfilteredLog } from "./http/logged-audit.ts";
import { type ListeningSocket, ListeningSockets } from "./listening/listening-sockets.ts";
import { POOLER_PORTS, placesOf } from "./listening/port-place.ts";
import { OneProcess } from "./one-process.ts";
import type { OpenedStore } from "./open-store.ts";
import { Pooler, type PoolerPorts } from "./pooler.ts";
import type { ProgramParts } from "./program-parts.ts";
import { readAuthority } from "./read-authority.ts";
import { resolvePaths } from "./resolve-paths.ts";
import type { ServingNode } from "./serving-node.ts";
import { Supervisor } from "./workers/supervisor.ts";
import { WorkerProcesses } from "./workers/worker-processes.ts";

export interface CarpoolParts extends ProgramParts {
  readonly config: Config;
  readonly logger: Logger & UnfilteredLog;
  /** Is closed when Carpool stops, or does not start. */
  readonly opened: OpenedStore;
  /** What the one before it listened on; they are closed if they are not needed. */
  readonly handedOver?: readonly ListeningSocket[];
  /** Is told each CancelRequest; absent: nobody else could have its client. */
  readonly tellCancel?: TellCancel;
}

export interface CarpoolPorts extends PoolerPorts {
  readonly http: number;
}

/** A store that says nothing for this long is away. */
const HEALTH_TIMEOUT_MS = 2000;

/** Of the time that a process has whose place is taken: the rest is for transactions that still run. */
const LEAVING_SHARE = 0.75;

export class Carpool {
  readonly #parts: CarpoolParts;
  readonly #node: ServingNode;
  /** Null: each part binds its own. */
  readonly #sockets: ListeningSockets | null;
  readonly #apiKeys = new ApiKeys();
  /** As it holds now. */
  #config: Config;
  #http: HttpServer | null = null;
  #stopping = false;

  private constructor(parts: CarpoolParts, node: ServingNode, sockets: ListeningSockets | null) {
    this.#parts = parts;
    this.#node = node;
    this.#sockets = sockets;
    this.#config = parts.config;
  }

  /**
   * Serves clients once it resolves. Throws a PortTakenError that names the setting, a ListenError, a
   * TlsConfigurationError, or the system's error for a file; then nothing is left open.
   */
  static async start(parts: CarpoolParts): Promise<Carpool> {
    let sockets: ListeningSockets | null = null;
    try {
      sockets = openSockets(parts);
      const node = await servingNode(parts, sockets);
      await node.start();
      return await Carpool.#withHttp(parts, node, sockets);
    } catch (error) {
      sockets?.close();
      await parts.opened.store.close();
      throw error;
    }
  }

  static async #withHttp(
    parts: CarpoolParts,
    node: ServingNode,
    sockets: ListeningSockets | null,
  ): Promise<Carpool> {
    const carpool = new Carpool(parts, node, sockets);
    try {
      await carpool.#startHttp();
      return carpool;
    } catch (error) {
      await node.stop(0);
      throw error;
    }
  }

  async #startHttp(): Promise<void> {
    const { config, opened, logger, clock, wallClock, random } = this.#parts;
    const audit = new LoggedAudit(logger);
    const context = { globalUpstreamCa: config.globalUpstreamCaPath !== null };
    this.#http = await HttpServer.start({
      places:
        this.#sockets?.copiesOf(this.#sockets.shareOf(["http"], 0, 1)) ??
        placesOf(config, ["http"]),
      app: createHttpApp({
        logger,
        clock,
        wallClock,
        random,
        audit,
        settings: () => this.#apiSettings(),
        notReady: () => this.#notReady(),
        tenants: new TenantControl({ store: opened.store, audit, wallClock, context }),
        clusters: new ClusterControl({ store: opened.store.clusters, audit }),
        traffic: this.#node.traffic,
      }),
      environment: { clock, logger, kernel: new KernelOptions() },
    });
  }

  #apiSettings(): ApiSettings {
    const config = this.#config;
    return {
      tokens: {
        secret: config.apiJwtSecret,
        publicKeys: this.#apiKeys.at(config.apiJwksUrl),
        requireExp: config.apiJwtRequireExp,
        claims: config.jwtClaimValidators,
        blocklist: config.apiTokenBlocklist ?? [],
      },
      requestsPerSecond: config.apiRateLimit,
      requestBytesMax: config.apiMaxRequestSizeBytes,
    };
  }

  get ports(): CarpoolPorts {
    return { ...this.#node.ports, http: this.#http?.port ?? 0 };
  }

  /** Most clients and servers at a time. */
  get connectionsMax(): ServingNode["connectionsMax"] {
    return this.#node.connectionsMax;
  }

  /** Takes over the settings of `config` that don't need a restart. Rejects if a file of them is no good: nothing has changed then. */
  async reload(config: Config): Promise<void> {
    const resolved = resolvePaths(config, this.#parts.workingDirectory);
    await this.#node.reload(resolved, readAuthority(resolved));
    this.#config = config;
  }

  /** What it listens on, for who takes over; empty: it stops, or this system does not pass it on. */
  get listeningSockets(): readonly ListeningSocket[] {
    return this.#sockets?.held ?? [];
  }

  /** Takes clients of the process before from now on. Returns where they may be brought to. */
  adoptClients(): readonly string[] {
    return this.#node.adoptClients();
  }

  /** A CancelRequest for a client of this process came to another one. */
  cancel(processId: number, secretKey: Uint8Array): void {
    this.#node.cancel(processId, secretKey);
  }

  /**
   * Somebody else takes the clients that come from now on. Those who are in are handed over or sent away one after the
   * other, the rest as by {@link stop}; all of it takes so long at most.
   * @param adopters where clients may be brought to
   */
  async retire(timeoutMs: number, adopters: readonly string[]): Promise<void> {
    const leavingMs = timeoutMs * LEAVING_SHARE;
    this.#stopping = true;
    this.#sockets?.close();
    this.#http?.stopListening();
    this.#node.stopListening();
    await this.#node.leave(leavingMs, adopters);
    await this.stop(timeoutMs - leavingMs);
  }

  /** Lets transactions end for so long, then ends all. Health says 503 meanwhile. */
  async stop(timeoutMs: number): Promise<void> {
    this.#stopping = true;
    this.#sockets?.close();
    await this.#node.stop(timeoutMs);
    await this.#http?.stop();
    await this.#parts.opened.store.close();
  }

  /** Leaves nothing behind that would go on without this process, which is about to end in whatever state it is. */
  kill(): void {
    this.#node.kill();
  }

  async #notReady(): Promise<NotReady | null> {
    if (this.#stopping) return { reason: "stopping", failedChecks: ["running"] };
    if (!this.#node.serves)
      return { reason: "no worker serves clients at the moment", failedChecks: ["workers"] };
    const { opened, logger } = this.#parts;
    try {
      await this.#beforeTimeout(opened.store.changeToken());
      return null;
    } catch (error) {
      logger.warn({ reason: errorMessage(error) }, "not healthy: the tenant store does not answer");
      return { reason: "the tenant store does not answer", failedChecks: ["database_reachable"] };
    }
  }

  async #beforeTimeout(answer: Promise<unknown>): Promise<void> {
    const { promise, reject } = Promise.withResolvers<never>();
    const timer = this.#parts.clock.after(HEALTH_TIMEOUT_MS, () =>
      reject(new Error(`no answer in ${HEALTH_TIMEOUT_MS} ms`)),
    );
    try {
      await Promise.race([answer, promise]);
    } finally {
      timer.cancel();
    }
  }
}

function openSockets({ config, handedOver = [] }: CarpoolParts): ListeningSockets | null {
  const maker = ListeningSocketMaker.forThisSystem();
  return maker === null
    ? null
    : ListeningSockets.open(config, workersOf(config), handedOver, maker);
}

/** The pooler of this process, or the supervisor of several. */
async function servingNode(
  parts: CarpoolParts,
  sockets: ListeningSockets | null,
): Promise<ServingNode> {
  const { opened, clock, wallClock, random, logger, workingDirectory } = parts;
  const config = resolvePaths(parts.config, workingDirectory);
  const workers = workersOf(config);
  const told = parts.tellCancel === undefined ? {} : { tellCancel: parts.tellCancel };
  if (workers > 1) {
    const spawner = new WorkerProcesses();
    const shared = { config, workingDirectory, clock, wallClock, random, logger, ...told };
    return new Supervisor({ ...shared, workers, spawner, store: opened.store, sockets });
  }
  return new OneProcess(
    new Pooler({
      config,
      store: opened.store,
      vaultKey: opened.vaultKey,
      clock,
      wallClock,
      random,
      logger,
      certificateAuthority: readAuthority(config),
      grammar: await PostgresqlGrammar.load(logger),
      ...told,
      ...(sockets === null
        ? {}
        : { sockets: sockets.copiesOf(sockets.shareOf(POOLER_PORTS, 0, 1)) }),
    }),
    resolve(workingDirectory, config.dataDirectory),
  );
}

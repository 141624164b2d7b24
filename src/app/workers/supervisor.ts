/**
 * The workers of this node, as one pooler: starts them, starts them again when they die, tells them what their
 * operator wants.
 */

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Clock } from "../../base/clock.ts";
import type { Logger } from "../../base/logger.ts";
import type { Random } from "../../base/random.ts";
import type { WallClock } from "../../base/wall-clock.ts";
import { WorkersDesk } from "../../cluster/control-desk.ts";
import type { WorkersHandler } from "../../cluster/control-port.ts";
import type { EndServer } from "../../cluster/ghost-servers.ts";
import { LinkMesh, SUPERVISOR } from "../../cluster/link-mesh.ts";
import type { Config } from "../../config/settings.ts";
import type { Traffic } from "../../control/traffic.ts";
import { type CancelNotice, decodeCancel, encodeCancel } from "../../edge/cancel-notice.ts";
import type { TellCancel } from "../../edge/told-cancels.ts";
import { KernelOptions } from "../../net/kernel-options.ts";
import type { NetEnvironment } from "../../net/net-environment.ts";
import { cancelAddressOf } from "../../session/cancel-key.ts";
import { StoreWatch } from "../../tenants/store-watch.ts";
import type { TenantStore } from "../../tenants/tenant-store.ts";
import { clientTls } from "../client-tls.ts";
import type { ListeningSockets } from "../listening/listening-sockets.ts";
import { POOLER_PORTS } from "../listening/port-place.ts";
import { ReservedPorts } from "../listening/reserved-ports.ts";
import { LiveSettings } from "../live-settings.ts";
import type { PoolerPorts } from "../pooler.ts";
import { readAuthority } from "../read-authority.ts";
import type { ServingNode } from "../serving-node.ts";
import { WorkerStartError } from "../start-errors.ts";
import { ghostEnding } from "./end-ghost-server.ts";
import { linkStarter } from "./link-starter.ts";
import { NodeDesks } from "./node-desks.ts";
import {
  adoptionPath,
  INHERITED_DESCRIPTORS,
  isWorkerReady,
  type LeaveOrder,
  type SpawnedWorker,
  type WorkerOrder,
  type WorkerReady,
  type WorkerSpawner,
} from "./worker-order.ts";
import { WorkerSlot } from "./worker-slot.ts";

export interface SupervisorParts {
  /** With absolute paths. */
  readonly config: Config;
  readonly workers: number;
  readonly workingDirectory: string;
  readonly clock: Clock;
  readonly wallClock: WallClock;
  readonly random: Random;
  readonly logger: Logger;
  readonly spawner: WorkerSpawner;
  readonly store: Pick<TenantStore, "get" | "changeToken">;
  /** What the workers listen on; null: each binds the ports for itself. */
  readonly sockets: ListeningSockets | null;
  /** Is told each CancelRequest that comes to the workers; absent: nobody else could have its client. */
  readonly tellCancel?: TellCancel;
}

/** A worker reads its settings and its store, and compiles its grammar: some 300 ms. */
const START_TIMEOUT_MS = 30_000;

/** Files are read, and each tenant in use is looked at. */
const RELOAD_TIMEOUT_MS = 10_000;

/** A worker that is silent for as long as it may be is asked once or twice meanwhile. */
const PULSE_TIMEOUT_MS = 60_000;

/** What a worker may take beyond the time that it was given: closing its servers, and its end. */
const STOP_GRACE_MS = 3000;

/** What an answer may take beyond the time that clients were given. */
const LEAVE_GRACE_MS = 1000;

const INCARNATION_BYTES = 12;

export class Supervisor implements ServingNode, WorkersHandler {
  /** How parts of this process speak with their likes in the workers. */
  readonly desk: WorkersDesk;
  readonly #parts: SupervisorParts;
  readonly #environment: NetEnvironment;
  readonly #folder: string;
  readonly #mesh: LinkMesh;
  /** Which worker may have how many servers. */
  readonly #desks: NodeDesks;
  readonly #storeWatch: StoreWatch;
  readonly #slots: readonly WorkerSlot[];
  readonly #ready = new Map<number, WorkerReady>();
  readonly #allReady = Promise.withResolvers<void>();
  #ports: PoolerPorts = { transaction: 0, session: 0, native: 0 };
  readonly #limits: LiveSettings;
  #config: Config;

  constructor(parts: SupervisorParts) {
    const { clock, logger, workers } = parts;
    this.#parts = parts;
    this.#config = parts.config;
    this.#environment = { clock, logger, kernel: new KernelOptions() };
    this.#folder = mkdtempSync(join(tmpdir(), "carpool-")); // only this user may enter it (mkdtemp(3))
    this.#mesh = new LinkMesh({
      self: SUPERVISOR,
      workers,
      folder: this.#folder,
      incarnation: this.#newIncarnation(),
      environment: this.#environment,
      startLink: linkStarter(clock, logger),
      handler: {
        onChannel: (_worker, channel) => channel.destroy(),
        onRequest: (worker, verb, body) => this.desk.onRequest(worker, verb, body),
        onNotice: (worker, verb, body) => this.desk.onNotice(worker, verb, body),
        onPeer: nothing,
        onPeerGone: (worker) => this.#onPeerGone(worker),
      },
    });
    this.desk = new WorkersDesk(this.#mesh);
    this.desk.register("life", this);
    this.#limits = new LiveSettings(parts.config, null);
    this.#desks = new NodeDesks({
      workers: this.desk,
      clock,
      wallClock: parts.wallClock,
      limits: this.#limits,
      clientsMax: parts.config.maxConnections,
      endServer: this.#endGhost(),
    });
    this.#storeWatch = new StoreWatch({
      store: parts.store,
      clock,
      onChanged: () => this.traffic.refresh(),
    });
    this.#slots = Array.from({ length: workers }, (_, worker) => this.#newSlot(worker));
  }

  get ports(): PoolerPorts {
    return this.#ports;
  }

  get connectionsMax(): ServingNode["connectionsMax"] {
    const { maxConnections } = this.#config;
    let clients = 0;
    let servers = 0;
    for (const { clientsMax, serversMax } of this.#ready.values()) {
      clients += clientsMax;
      servers += serversMax ?? Number.POSITIVE_INFINITY;
    }
    return { clients: Math.min(clients, maxConnections ?? clients), servers };
  }

  get traffic(): Traffic {
    return this.#desks.traffic;
  }

  get serves(): boolean {
    return this.serving > 0;
  }

  /** Workers that serve clients now. */
  get serving(): number {
    return this.#ready.size;
  }

  async start(): Promise<void> {
    clientTls(this.#config); // what is wrong with them is said once, and not by each worker
    const reserved = this.#choosePorts();
    this.#mesh.start();
    this.#storeWatch.start();
    for (const slot of this.#slots) slot.start();
    const timer = this.#parts.clock.after(START_TIMEOUT_MS, () =>
      this.#allReady.reject(new WorkerStartError(`not all serve after ${START_TIMEOUT_MS} ms`)),
    );
    try {
      await this.#allReady.promise;
    } catch (error) {
      await this.stop(0);
      throw error;
    } finally {
      timer.cancel();
      reserved?.release();
    }
  }

  cancel(processId: number, secretKey: Uint8Array): void {
    this.desk.notifyAll("life.cancel", encodeCancel(processId, secretKey));
  }

  stopListening(): void {
    for (const slot of this.#slots) slot.expectEnd();
    this.desk.notifyAll("life.stopListening", null);
  }

  adoptClients(): readonly string[] {
    const folder = this.#folder;
    return [...this.#ready]
      .filter(([, { adoptsClients }]) => adoptsClients)
      .map(([worker]) => adoptionPath({ folder, worker }));
  }

  async leave(overMs: number, adopters: readonly string[]): Promise<void> {
    const order: LeaveOrder = { overMs, adopters };
    const asked = Array.from(this.#ready.keys(), (worker) =>
      this.desk.request(worker, "life.leave", order, overMs + LEAVE_GRACE_MS),
    );
    await Promise.allSettled(asked); // of a worker that dies meanwhile, nobody is left
  }

  async reload(config: Config): Promise<void> {
    clientTls(config);
    this.#config = config;
    this.#limits.config = config;
    this.#desks.room.change(config.maxConnections);
    const asked = Array.from(this.#ready.keys(), (worker) =>
      this.desk.request(worker, "life.reload", this.#configOfWorkers, RELOAD_TIMEOUT_MS),
    );
    await Promise.all(asked);
  }

  async stop(timeoutMs: number): Promise<void> {
    for (const slot of this.#slots) slot.expectEnd();
    this.desk.notifyAll("life.stop", timeoutMs);
    const timer = this.#parts.clock.after(timeoutMs + STOP_GRACE_MS, () => this.#killAll());
    if (this.#ready.size < this.#slots.length) this.#killUnready();
    await Promise.all(this.#slots.map(({ over }) => over));
    timer.cancel();
    this.#storeWatch.stop();
    this.#desks.permits.stop();
    this.#mesh.stop();
    rmSync(this.#folder, { recursive: true, force: true });
  }

  kill(): void {
    for (const slot of this.#slots) slot.expectEnd();
    this.#killAll();
    rmSync(this.#folder, { recursive: true, force: true });
  }

  async onRequest(_worker: number, verb: string): Promise<unknown> {
    throw new Error(`a worker asks for ${verb}`);
  }

  onNotice(worker: number, verb: string, body: unknown): void {
    if (verb === "life.cancel") this.#tellCancel(worker, decodeCancel(body));
    if (verb === "life.ready" && isWorkerReady(body)) this.#onReady(worker, body);
  }

  onWorkerReady(): void {}

  onWorkerGone(): void {}

  /** The worker has looked for the client, and told the one that the key names; a client that has moved here may be with any. */
  #tellCancel(teller: number, cancel: CancelNotice | null): void {
    if (cancel === null) return;
    const { processId, secretKey } = cancel;
    const { worker: named } = cancelAddressOf(processId);
    for (const worker of this.#ready.keys())
      if (worker !== teller && worker !== named)
        this.desk.notify(worker, "life.cancel", encodeCancel(processId, secretKey));
    this.#parts.tellCancel?.(processId, secretKey);
  }

  #onReady(worker: number, body: WorkerReady): void {
    this.#ready.set(worker, body);
    this.#slots[worker]?.onReady();
    this.desk.onWorkerReady(worker);
    if (this.#ready.size === this.#slots.length) this.#allReady.resolve();
  }

  #onPeerGone(worker: number): void {
    if (!this.#ready.delete(worker)) return;
    this.#slots[worker]?.onLost();
    this.desk.onWorkerGone(worker);
  }

  #endGhost(): EndServer {
    return ghostEnding({
      environment: this.#environment,
      certificateAuthority: () => readAuthority(this.#config),
      findTenant: (tenantId) => this.#parts.store.get(tenantId),
    });
  }

  #newSlot(worker: number): WorkerSlot {
    const { clock, logger } = this.#parts;
    return new WorkerSlot({
      worker,
      clock,
      logger,
      spawn: () => this.#spawn(worker),
      ask: () => this.desk.request(worker, "life.pulse", null, PULSE_TIMEOUT_MS),
      timeoutMs: () => this.#config.workerTimeoutMs,
      onStartFailed: (how) =>
        this.#allReady.reject(new WorkerStartError(`worker ${worker} did not start: ${how}`)),
    });
  }

  /** Without sockets to give away, holds the ports that it has chosen until the workers listen there. */
  #choosePorts(): ReservedPorts | null {
    const { sockets } = this.#parts;
    if (sockets !== null) {
      this.#ports = {
        transaction: sockets.portOf("transaction"),
        session: sockets.portOf("session"),
        native: sockets.portOf("native"),
      };
      return null;
    }
    const reserved = ReservedPorts.choose(this.#config, this.#environment);
    this.#ports = reserved.ports;
    return reserved;
  }

  #spawn(worker: number): SpawnedWorker {
    const { sockets, spawner, workers } = this.#parts;
    const order = this.#orderOf(worker);
    if (sockets === null) return spawner.spawn(order, []);
    const share = sockets.shareOf(POOLER_PORTS, worker, workers);
    const inherited = share.map(({ use, hostname, port }, index) => {
      return { use, hostname, port, descriptor: INHERITED_DESCRIPTORS + index };
    });
    const descriptors = share.map(({ descriptor }) => descriptor);
    return spawner.spawn({ ...order, sockets: inherited }, descriptors);
  }

  #orderOf(worker: number): WorkerOrder {
    const { workers, workingDirectory } = this.#parts;
    return {
      worker,
      workers,
      folder: this.#folder,
      incarnation: this.#newIncarnation(),
      config: this.#configOfWorkers,
      workingDirectory,
    };
  }

  get #configOfWorkers(): Config {
    const { transaction, session, native } = this.#ports;
    return {
      ...this.#config,
      proxyPortTransaction: transaction,
      proxyPortSession: session,
      proxyPortNative: native,
    };
  }

  #newIncarnation(): string {
    return Buffer.from(this.#parts.random.bytes(INCARNATION_BYTES)).toString("hex");
  }

  #killAll(): void {
    for (const slot of this.#slots) slot.kill();
  }

  #killUnready(): void {
    for (const [worker, slot] of this.#slots.entries()) if (!this.#ready.has(worker)) slot.kill();
  }
}

function nothing(): void {}

/**
 * One worker of a node: a pooler on ports that all workers share, and the links to the others.
 */

import type { Clock } from "../../base/clock.ts";
import type { Logger } from "../../base/logger.ts";
import type { Random } from "../../base/random.ts";
import type { WallClock } from "../../base/wall-clock.ts";
import { SupervisorDesk } from "../../cluster/control-desk.ts";
import type { ControlHandler } from "../../cluster/control-port.ts";
import { LinkMesh, SUPERVISOR } from "../../cluster/link-mesh.ts";
import type { Config } from "../../config/settings.ts";
import { CANCEL_VERB, encodeCancel } from "../../edge/cancel-notice.ts";
import { KernelOptions } from "../../net/kernel-options.ts";
import type { Grammar } from "../../sql/grammar.ts";
import { type OpenedStore, openStore } from "../open-store.ts";
import { Pooler } from "../pooler.ts";
import { readAuthority } from "../read-authority.ts";
import { linkStarter } from "./link-starter.ts";
import { isConfig } from "./received-config.ts";
import {
  adoptionPath,
  isLeaveOrder,
  type LeaveOrder,
  type WorkerOrder,
  type WorkerReady,
} from "./worker-order.ts";

export interface WorkerParts {
  readonly clock: Clock;
  readonly wallClock: WallClock;
  readonly random: Random;
  readonly logger: Logger;
  readonly grammar: Grammar;
  /** It has been told to stop, and has. */
  readonly onStopped: () => void;
  /** Settings have changed. */
  readonly onReloaded: (config: Config) => void;
}

/** A supervisor that has just started this worker is there. */
const SUPERVISOR_TIMEOUT_MS = 10_000;

export class Worker implements ControlHandler {
  readonly pooler: Pooler;
  readonly #mesh: LinkMesh;
  readonly #desk: SupervisorDesk;
  readonly #opened: OpenedStore;
  readonly #parts: WorkerParts;
  readonly #order: WorkerOrder;
  #config: Config;
  #stopping: Promise<void> | null = null;

  private constructor(order: WorkerOrder, parts: WorkerParts, opened: OpenedStore) {
    const { clock, wallClock, random, logger, grammar } = parts;
    const { config, sockets } = order;
    this.#parts = parts;
    this.#order = order;
    this.#opened = opened;
    this.#config = config;
    this.#mesh = new LinkMesh({
      self: order.worker,
      workers: order.workers,
      folder: order.folder,
      incarnation: order.incarnation,
      environment: { clock, logger, kernel: new KernelOptions() },
      startLink: linkStarter(clock, logger),
      handler: {
        onChannel: (_peer, channel, opening) => this.pooler.onLinkChannel(channel, opening),
        onRequest: (peer, verb, body) => this.#requestOf(peer, verb, body),
        onNotice: (peer, verb, body) => this.#noticeOf(peer, verb, body),
        onPeer: nothing,
        onPeerGone: nothing,
      },
    });
    this.#desk = new SupervisorDesk(this.#mesh);
    this.pooler = new Pooler({
      config,
      store: opened.store,
      vaultKey: opened.vaultKey,
      clock,
      wallClock,
      random,
      logger,
      certificateAuthority: readAuthority(config),
      grammar,
      place: { peers: this.#mesh, supervisor: this.#desk },
      ...(sockets === undefined ? {} : { sockets }),
      tellCancel: (processId, secretKey) =>
        this.#desk.notify("life.cancel", encodeCancel(processId, secretKey)),
    });
    this.#desk.register("life", this);
  }

  /** Serves clients once it resolves. Rejects with why it can't; nothing is left open then. */
  static async start(order: WorkerOrder, parts: WorkerParts): Promise<Worker> {
    const { workingDirectory, config } = order;
    const opened = await openStore(config, { ...parts, workingDirectory });
    const worker = new Worker(order, parts, opened);
    try {
      await worker.#start();
      return worker;
    } catch (error) {
      worker.#mesh.stop();
      await opened.store.close();
      throw error;
    }
  }

  async #start(): Promise<void> {
    this.#mesh.start();
    if ((await this.#mesh.awaitLink(SUPERVISOR, SUPERVISOR_TIMEOUT_MS)) === null)
      throw new Error("the supervisor does not answer");
    await this.pooler.start();
    const adoptsClients = this.pooler.relocation.listen(adoptionPath(this.#order));
    const { clients, servers } = this.pooler.connectionsMax;
    const ready: WorkerReady = {
      clientsMax: clients,
      serversMax: Number.isFinite(servers) ? servers : null,
      adoptsClients,
    };
    this.#desk.notify("life.ready", ready);
  }

  /** Lets transactions end for so long, then ends all. The second call waits for the first. */
  stop(timeoutMs = this.#config.shutdownTimeoutMs): Promise<void> {
    this.#stopping ??= this.#stop(timeoutMs);
    return this.#stopping;
  }

  async #stop(timeoutMs: number): Promise<void> {
    await this.pooler.stop(timeoutMs);
    this.#mesh.stop();
    await this.#opened.store.close();
    this.#parts.onStopped();
  }

  async onRequest(verb: string, body: unknown): Promise<unknown> {
    if (verb === "life.pulse") return null;
    if (verb === "life.reload" && isConfig(body)) return this.#reload(body);
    if (verb === "life.leave" && isLeaveOrder(body)) return this.#leave(body);
    throw new Error(`unknown order ${verb}`);
  }

  onNotice(verb: string, body: unknown): void {
    if (verb === "life.stop" && typeof body === "number") void this.stop(body);
    if (verb === "life.stopListening") this.pooler.stopListening();
    if (verb === "life.cancel") this.pooler.onLinkNotice(CANCEL_VERB, body);
  }

  async #leave({ overMs, adopters }: LeaveOrder): Promise<null> {
    await this.pooler.relocation.leave(overMs, adopters);
    return null;
  }

  #reload(config: Config): null {
    this.pooler.reload(config, readAuthority(config));
    this.#config = config;
    this.#parts.onReloaded(config);
    return null;
  }

  async #requestOf(peer: number, verb: string, body: unknown): Promise<unknown> {
    if (peer === SUPERVISOR) return this.#desk.onRequest(verb, body);
    throw new Error(`worker ${peer} asks for ${verb}`);
  }

  #noticeOf(peer: number, verb: string, body: unknown): void {
    if (peer === SUPERVISOR) this.#desk.onNotice(verb, body);
    else this.pooler.onLinkNotice(verb, body);
  }
}

function nothing(): void {}

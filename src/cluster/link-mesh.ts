/**
 * The links of one process of a node: to each worker, and between each worker and the supervisor. Who comes
 * later dials; who was there listens; a link that breaks is dialled again for as long as both are there.
 */

import { join } from "node:path";
import type { Timer } from "../base/clock.ts";
import { errorMessage } from "../base/error-message.ts";
import type { LinkHandler, LinkHello, LinkPort } from "../link/link-port.ts";
import type { Channel } from "../net/channel.ts";
import { dialUnix } from "../net/dial-unix.ts";
import { listenUnix, type UnixListener } from "../net/listen-unix.ts";
import type { NetEnvironment } from "../net/net-environment.ts";
import type { WorkerPeers } from "./worker-peers.ts";

/** The number of the supervisor among its workers. */
export const SUPERVISOR = -1;

/** Makes a link of a stream; rejects where the other side is none of ours. */
export type StartLink = (
  channel: Channel,
  role: "dialler" | "acceptor",
  hello: LinkHello,
  handler: LinkHandler,
) => Promise<LinkPort>;

/** What comes over the links. */
export interface MeshHandler {
  onChannel(peer: number, channel: Channel, opening: unknown): void;
  onRequest(peer: number, verb: string, body: unknown): Promise<unknown>;
  onNotice(peer: number, verb: string, body: unknown): void;
  onPeer(peer: number): void;
  onPeerGone(peer: number): void;
}

export interface LinkMeshParts {
  /** This worker's number, or {@link SUPERVISOR}. */
  readonly self: number;
  readonly workers: number;
  /** Holds the sockets; only this user may enter it. */
  readonly folder: string;
  /** Another one after each start. */
  readonly incarnation: string;
  readonly environment: NetEnvironment;
  readonly startLink: StartLink;
  readonly handler: MeshHandler;
}

/** Whoever is dialled is being started, or is there. */
const REDIAL_MS = 20;
const REDIAL_MAX_MS = 200;
/** Links that break because the whole node stops are nothing to tell: by then this one has stopped as well. */
const TELL_LOSS_AFTER_MS = 500;

/** Alone: Carpool has one node so far. */
const NODE = 0;

export class LinkMesh implements WorkerPeers {
  readonly self: number;
  readonly workers: number;
  readonly #parts: LinkMeshParts;
  readonly #links = new Map<number, LinkPort>();
  readonly #waiting = new Map<number, Set<() => void>>();
  readonly #timers = new Set<Timer>();
  #listener: UnixListener | null = null;
  #stopped = false;

  constructor(parts: LinkMeshParts) {
    this.self = parts.self;
    this.workers = parts.workers;
    this.#parts = parts;
  }

  /** Listens, and dials everybody who has a lower number; goes on with that until it is stopped. */
  start(): void {
    const { folder, environment, self } = this.#parts;
    this.#listener = listenUnix(socketIn(folder, self), environment, (transport) => {
      transport.pause(); // until the link has its handler, which is within this turn
      void this.#begin(transport, "acceptor");
    });
    for (let peer = SUPERVISOR; peer < self; peer += 1) void this.#dial(peer, REDIAL_MS);
  }

  /** Ends all links in good order. */
  stop(): void {
    this.#stopped = true;
    this.#listener?.stop();
    for (const timer of this.#timers) timer.cancel();
    for (const link of this.#links.values()) link.close();
  }

  linkTo(peer: number): LinkPort | null {
    const link = this.#links.get(peer);
    return link === undefined || link.closed ? null : link;
  }

  awaitLink(peer: number, timeoutMs: number): Promise<LinkPort | null> {
    const { promise, resolve } = Promise.withResolvers<LinkPort | null>();
    const known = this.linkTo(peer);
    if (known !== null) return Promise.resolve(known);
    const waiting = this.#waiting.get(peer) ?? new Set();
    this.#waiting.set(peer, waiting);
    const onEnd = (): void => {
      timer.cancel();
      waiting.delete(onEnd);
      resolve(this.linkTo(peer));
    };
    const timer = this.#parts.environment.clock.after(timeoutMs, onEnd);
    waiting.add(onEnd);
    return promise;
  }

  async #dial(peer: number, pauseMs: number): Promise<void> {
    const { folder, environment } = this.#parts;
    if (this.#stopped) return;
    try {
      const transport = await dialUnix(socketIn(folder, peer), environment, () => {});
      if (await this.#begin(transport, "dialler")) return;
    } catch {
      // Not there yet, or not any more.
    }
    this.#redial(peer, pauseMs);
  }

  #redial(peer: number, pauseMs: number): void {
    this.#after(pauseMs, () => {
      void this.#dial(peer, Math.min(2 * pauseMs, REDIAL_MAX_MS));
    });
  }

  /** Unless it has stopped by then. */
  #after(delayMs: number, act: () => void): void {
    if (this.#stopped) return;
    const timer = this.#parts.environment.clock.after(delayMs, () => {
      this.#timers.delete(timer);
      act();
    });
    this.#timers.add(timer);
  }

  /** Returns whether there is a link now; the end of one that was dialled brings the next. */
  async #begin(channel: Channel, role: "dialler" | "acceptor"): Promise<boolean> {
    const { self, incarnation, startLink, environment, handler } = this.#parts;
    const end = { link: null as LinkPort | null };
    const peerOf = (): number => end.link?.peer.worker ?? SUPERVISOR;
    try {
      const hello = { node: NODE, worker: self, incarnation };
      const link = await startLink(channel, role, hello, {
        onChannel: (opened, opening) => handler.onChannel(peerOf(), opened, opening),
        onRequest: (verb, body) => handler.onRequest(peerOf(), verb, body),
        onNotice: (verb, body) => handler.onNotice(peerOf(), verb, body),
        onLost: (reason) => this.#onLost(end.link, role, reason),
      });
      end.link = link;
      this.#onLink(link);
      return true;
    } catch (error) {
      const { logger } = environment;
      if (!this.#stopped) logger.warn({ reason: errorMessage(error) }, "a link could not be made");
      return false;
    }
  }

  #onLink(link: LinkPort): void {
    const { worker } = link.peer;
    const before = this.#links.get(worker);
    this.#links.set(worker, link);
    if (before !== undefined) before.close();
    if (this.#stopped) return link.close();
    this.#parts.handler.onPeer(worker);
    for (const onEnd of this.#waiting.get(worker) ?? []) onEnd();
  }

  #onLost(link: LinkPort | null, role: "dialler" | "acceptor", reason: string): void {
    if (link === null) return;
    const { worker } = link.peer;
    if (this.#links.get(worker) === link) {
      this.#links.delete(worker);
      this.#after(TELL_LOSS_AFTER_MS, () =>
        this.#parts.environment.logger.info({ peer: worker, reason }, "a link is gone"),
      );
      this.#parts.handler.onPeerGone(worker);
    }
    if (role === "dialler") this.#redial(worker, REDIAL_MS);
  }
}

function socketIn(folder: string, worker: number): string {
  return join(folder, worker === SUPERVISOR ? "supervisor" : `worker-${worker}`);
}

/**
 * Finds the part that a verb is for.
 */

import type {
  ControlHandler,
  SupervisorPort,
  WorkersHandler,
  WorkersPort,
} from "./control-port.ts";
import { SUPERVISOR } from "./link-mesh.ts";
import type { WorkerPeers } from "./worker-peers.ts";

/** Nobody here answers to this verb: another version speaks. */
export class UnknownVerbError extends Error {
  override readonly name = "UnknownVerbError";

  constructor(verb: string) {
    super(`nobody here answers to "${verb}"`);
  }
}

class PeerAwayError extends Error {
  override readonly name = "PeerAwayError";

  constructor(peer: number) {
    super(peer === SUPERVISOR ? "the supervisor is away" : `worker ${peer} is away`);
  }
}

/** A worker's way to its supervisor. */
export class SupervisorDesk implements SupervisorPort, ControlHandler {
  readonly #peers: WorkerPeers;
  readonly #parts = new Map<string, ControlHandler>();

  constructor(peers: WorkerPeers) {
    this.#peers = peers;
  }

  register(part: string, handler: ControlHandler): void {
    this.#parts.set(part, handler);
  }

  request(verb: string, body: unknown, timeoutMs: number): Promise<unknown> {
    return ask(this.#peers, SUPERVISOR, verb, body, timeoutMs);
  }

  notify(verb: string, body: unknown): void {
    this.#peers.linkTo(SUPERVISOR)?.notify(verb, body);
  }

  async onRequest(verb: string, body: unknown): Promise<unknown> {
    const handler = this.#parts.get(partOf(verb));
    if (handler === undefined) throw new UnknownVerbError(verb);
    return handler.onRequest(verb, body);
  }

  onNotice(verb: string, body: unknown): void {
    this.#parts.get(partOf(verb))?.onNotice(verb, body);
  }
}

/** The supervisor's way to its workers. */
export class WorkersDesk implements WorkersPort, WorkersHandler {
  readonly #peers: WorkerPeers;
  readonly #parts = new Map<string, WorkersHandler>();

  constructor(peers: WorkerPeers) {
    this.#peers = peers;
  }

  get workers(): number {
    return this.#peers.workers;
  }

  register(part: string, handler: WorkersHandler): void {
    this.#parts.set(part, handler);
  }

  request(worker: number, verb: string, body: unknown, timeoutMs: number): Promise<unknown> {
    return ask(this.#peers, worker, verb, body, timeoutMs);
  }

  notify(worker: number, verb: string, body: unknown): void {
    this.#peers.linkTo(worker)?.notify(verb, body);
  }

  notifyAll(verb: string, body: unknown): void {
    for (let worker = 0; worker < this.workers; worker += 1) this.notify(worker, verb, body);
  }

  async onRequest(worker: number, verb: string, body: unknown): Promise<unknown> {
    const handler = this.#parts.get(partOf(verb));
    if (handler === undefined) throw new UnknownVerbError(verb);
    return handler.onRequest(worker, verb, body);
  }

  onNotice(worker: number, verb: string, body: unknown): void {
    this.#parts.get(partOf(verb))?.onNotice(worker, verb, body);
  }

  onWorkerReady(worker: number): void {
    for (const handler of this.#parts.values()) handler.onWorkerReady(worker);
  }

  onWorkerGone(worker: number): void {
    for (const handler of this.#parts.values()) handler.onWorkerGone(worker);
  }
}

async function ask(
  peers: WorkerPeers,
  peer: number,
  verb: string,
  body: unknown,
  timeoutMs: number,
): Promise<unknown> {
  const link = peers.linkTo(peer);
  if (link === null) throw new PeerAwayError(peer);
  return link.request(verb, body, timeoutMs);
}

function partOf(verb: string): string {
  return verb.slice(0, verb.indexOf("."));
}

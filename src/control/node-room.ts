/**
 * The supervisor's part in the limits of clients and memory of the node: shares them out among its workers.
 */

import type { Clock } from "../base/clock.ts";
import type { WorkersHandler, WorkersPort } from "../cluster/control-port.ts";
import { RoomLedger } from "../cluster/room-ledger.ts";
import { memoryBody, moreBody, ROOM, shareBody, spareAnswer } from "./room-messages.ts";

export interface NodeRoomParts {
  readonly workers: WorkersPort;
  readonly clock: Clock;
  /** MAX_CONNECTIONS; null: none but those of each process. */
  readonly clientsMax: number | null;
  /** Of the supervisor's process. */
  readonly processId: number;
  readonly residentBytes: () => number;
}

/** Who is in need does not wait for long for a worker that is too busy to answer. */
const PATIENCE_MS = 500;

/** An answer is taken for as long as there is a worker. */
const SPARE_TIMEOUT_MS = 3_600_000;

/** How many clients a worker may have in addition. */
interface Grant {
  readonly granted: number;
}

export class NodeRoom implements WorkersHandler {
  readonly #parts: NodeRoomParts;
  readonly #ledger: RoomLedger;
  /** By worker, what its process used when it was last heard of. */
  readonly #memory = new Map<number, { readonly process: number; readonly bytes: number }>();
  /** The search for room that is under way: who asks meanwhile comes behind it. */
  #search: Promise<unknown> = Promise.resolve();

  constructor(parts: NodeRoomParts) {
    this.#parts = parts;
    this.#ledger = new RoomLedger(parts.workers.workers, parts.clientsMax ?? 0);
    parts.workers.register(ROOM, this);
  }

  /** Another limit holds from now on; the workers are told by who has changed it. */
  change(clientsMax: number | null): void {
    if (clientsMax !== null && clientsMax !== this.#ledger.max) this.#ledger.change(clientsMax);
  }

  async onRequest(worker: number, verb: string, body: unknown): Promise<unknown> {
    switch (verb) {
      case `${ROOM}.share`:
        return this.#share(worker, shareBody.parse(body).max);
      case `${ROOM}.more`:
        return this.#more(worker, moreBody.parse(body).max);
      case `${ROOM}.memory`:
        return this.#others(worker, body);
      default:
        throw new Error(`unknown verb ${verb}`);
    }
  }

  onNotice(): void {
    // Workers only ask.
  }

  onWorkerReady(): void {
    // It has its share already.
  }

  onWorkerGone(worker: number): void {
    this.#ledger.forget(worker);
    this.#memory.delete(worker);
  }

  #share(worker: number, max: number): Grant {
    return { granted: max === this.#ledger.max ? this.#ledger.admit(worker) : 0 };
  }

  /** One after the other: two who search at once would take from each other. */
  #more(worker: number, max: number): Promise<Grant> {
    const found = this.#search.then(() => this.#find(worker, max));
    this.#search = found.catch(() => null);
    return found;
  }

  async #find(worker: number, max: number): Promise<Grant> {
    if (max === this.#ledger.max && this.#ledger.free === 0) await this.#collect(worker, max);
    return { granted: max === this.#ledger.max ? this.#ledger.grant(worker) : 0 };
  }

  /** Has all the others give back a part of what they don't use. */
  async #collect(needy: number, max: number): Promise<void> {
    const { workers } = this.#parts;
    const others = Array.from({ length: workers.workers }, (_, worker) => worker).filter(
      (worker) => worker !== needy && this.#ledger.shareOf(worker) > 0,
    );
    const asked = Promise.all(others.map((worker) => this.#ask(worker, max)));
    const { promise, resolve } = Promise.withResolvers<void>();
    const timer = this.#parts.clock.after(PATIENCE_MS, resolve);
    await Promise.race([asked, promise]);
    timer.cancel();
  }

  /** What comes late is given back all the same. */
  async #ask(worker: number, max: number): Promise<void> {
    const { workers } = this.#parts;
    try {
      const answer = await workers.request(worker, `${ROOM}.spare`, { max }, SPARE_TIMEOUT_MS);
      const { given } = spareAnswer.parse(answer);
      if (max === this.#ledger.max) this.#ledger.takeBack(worker, given);
    } catch {
      // It is gone, and gets a new share when it comes again.
    }
  }

  /** Remembers what a worker's process uses, and returns what the node's others do. */
  #others(worker: number, body: unknown): { readonly othersBytes: number } {
    const own = memoryBody.parse(body);
    this.#memory.set(worker, own);
    const { processId, residentBytes } = this.#parts;
    const processes = new Map([[processId, residentBytes()]]);
    for (const { process, bytes } of this.#memory.values()) processes.set(process, bytes);
    processes.delete(own.process);
    let othersBytes = 0;
    for (const bytes of processes.values()) othersBytes += bytes;
    return { othersBytes };
  }
}

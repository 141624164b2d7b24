/**
 * A worker's part in the limits of clients and memory of the node: how many clients it may have by itself, and
 * what memory the others use.
 */

import type { Clock, Timer } from "../base/clock.ts";
import type { ControlHandler, SupervisorPort } from "../cluster/control-port.ts";
import { grantAnswer, memoryAnswer, ROOM, spareBody } from "./room-messages.ts";

export interface SharedRoomParts {
  readonly supervisor: SupervisorPort;
  readonly clock: Clock;
  /** MAX_CONNECTIONS as it is now; null: none but that of this process. */
  readonly clientsMax: () => number | null;
  /** Connections of clients that this worker has. */
  readonly open: () => number;
  readonly processId: number;
  readonly residentBytes: () => number;
}

/** An answer is taken for as long as there is a supervisor, which waits for nobody for long. */
const ANSWER_TIMEOUT_MS = 3_600_000;

/** As often as a process looks at its own. */
const MEMORY_INTERVAL_MS = 1000;

export class SharedRoom implements ControlHandler {
  readonly #parts: SharedRoomParts;
  /** The limit that the share is of; null: there is none. */
  #max: number | null = null;
  #share = 0;
  #asking: Promise<boolean> | null = null;
  #othersBytes = 0;
  #timer: Timer | null = null;

  constructor(parts: SharedRoomParts) {
    this.#parts = parts;
    parts.supervisor.register(ROOM, this);
  }

  /** Most clients for now; those that are needed beyond are asked for by {@link makeRoom}. */
  get clientsMax(): number {
    return this.#max === null ? Number.POSITIVE_INFINITY : this.#share;
  }

  /** What all other processes of the node use, as of a second ago. */
  get othersBytes(): number {
    return this.#othersBytes;
  }

  /**
   * Learns the share of this worker and what the others use; goes on with the latter until {@link stop}. To be
   * awaited before any client is taken. Rejects if the supervisor is away.
   */
  async catchUp(): Promise<void> {
    await this.follow();
    await this.#tellMemory();
  }

  stop(): void {
    this.#timer?.cancel();
    this.#timer = null;
  }

  /** The limit may be another one: gets a share of it. */
  async follow(): Promise<void> {
    const max = this.#parts.clientsMax();
    if (max === this.#max) return;
    this.#max = max;
    this.#share = 0;
    if (max !== null) await this.#begin("share", max);
  }

  /**
   * Gets room for more clients from where it is not used. Resolves with whether there was any. Null: nobody is to
   * be asked.
   */
  makeRoom(): Promise<boolean> | null {
    const max = this.#max;
    if (max === null) return null;
    return this.#asking ?? this.#begin("more", max);
  }

  /** The supervisor wants what is not used here, for another worker. */
  async onRequest(verb: string, body: unknown): Promise<unknown> {
    if (verb !== `${ROOM}.spare`) throw new Error(`unknown verb ${verb}`);
    const { max } = spareBody.parse(body);
    if (max !== this.#max) return { given: 0 };
    // Half, so that two that are in need by turns don't have to ask for each client; the last one, too.
    const given = Math.ceil(Math.max(0, this.#share - this.#parts.open()) / 2);
    this.#share -= given;
    return { given };
  }

  onNotice(): void {
    // The supervisor only asks.
  }

  /** All who ask meanwhile are answered together. */
  #begin(verb: "share" | "more", max: number): Promise<boolean> {
    const asking = this.#ask(verb, max).finally(() => {
      if (this.#asking === asking) this.#asking = null;
    });
    this.#asking = asking;
    return asking;
  }

  async #ask(verb: "share" | "more", max: number): Promise<boolean> {
    const { supervisor } = this.#parts;
    const answer = await supervisor.request(`${ROOM}.${verb}`, { max }, ANSWER_TIMEOUT_MS);
    const { granted } = grantAnswer.parse(answer);
    if (max !== this.#max) return false;
    this.#share += granted;
    return granted > 0;
  }

  async #tellMemory(): Promise<void> {
    const { supervisor, clock, processId, residentBytes } = this.#parts;
    this.#timer = clock.after(MEMORY_INTERVAL_MS, () => void this.#tellMemory());
    const body = { process: processId, bytes: residentBytes() };
    try {
      const answer = await supervisor.request(`${ROOM}.memory`, body, MEMORY_INTERVAL_MS);
      this.#othersBytes = memoryAnswer.parse(answer).othersBytes;
    } catch {
      // What was heard a second before still says most.
    }
  }
}

/**
 * Whether the process has room for one more client. A connection that comes when it is full is heard all
 * the same: it may be a CancelRequest, and else it is told why it cannot stay. Only so many are, and not
 * for long.
 */

import type { PoolerError } from "../base/pooler-error.ts";
import { TooManyConnectionsError } from "./edge-errors.ts";

/** How the process is doing; each is asked anew. */
export interface GateFacts {
  /** Connections of clients, whatever they have said so far. */
  readonly open: number;
  /** Most clients for now. */
  readonly max: number;
  /** Most clients, those included that others may have: what an operator knows of. `max`, where there are no others. */
  readonly limit: number;
  /** Connections beyond which none is even heard. */
  readonly heardMax: number;
  /** Why no client can be taken, though there are not too many; null: nothing is short. */
  readonly shortage: PoolerError | null;
  /**
   * Raises `max` if others have room that they don't use. Resolves with whether it did; rejects if nobody answers.
   * Null: there is nobody to ask.
   */
  makeRoom(): Promise<boolean> | null;
}

export class ClientGate {
  readonly #facts: GateFacts;
  /** Connections that came when it was full and have not been let in. */
  #surplus = 0;

  constructor(facts: GateFacts) {
    this.#facts = facts;
  }

  /** Whether a connection that has just come is one more than may stay. It counts itself. */
  get full(): boolean {
    return this.#facts.open > this.#facts.max;
  }

  /** Whether there are so many that it is not even heard. */
  get overfull(): boolean {
    return this.#facts.open > this.#facts.heardMax;
  }

  /** A connection has come when it was full. */
  hold(): void {
    this.#surplus += 1;
  }

  /** It is let in, or gone. */
  release(): void {
    this.#surplus -= 1;
  }

  /**
   * Returns why a client that has sent its StartupMessage must go, or null.
   * @param held then it stays only if there is room by now; who came before it was full does in any case
   */
  refusal(held: boolean): PoolerError | null {
    const { open, max, limit, shortage } = this.#facts;
    if (!held || this.#hasRoom) return shortage;
    // What others have room for, this one would have got.
    return new TooManyConnectionsError(limit > max ? limit : open - this.#surplus, limit);
  }

  /** Looks for room elsewhere for one that is held. Null: there is room, or there is nobody to ask. */
  makeRoom(): Promise<void> | null {
    const asked = this.#hasRoom ? null : this.#facts.makeRoom();
    return asked === null ? null : this.#untilRoom(asked);
  }

  get #hasRoom(): boolean {
    return this.#facts.open - this.#surplus < this.#facts.max;
  }

  /** What others give up may be less than what all who wait for it here need. */
  async #untilRoom(asked: Promise<boolean>): Promise<void> {
    // oxlint-disable-next-line no-await-in-loop -- as often as others give something up
    for (let asking: Promise<boolean> | null = asked; asking !== null && (await asking); )
      asking = this.#hasRoom ? null : this.#facts.makeRoom();
  }
}

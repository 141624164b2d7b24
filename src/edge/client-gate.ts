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
  /** Most clients. */
  readonly max: number;
  /** Connections beyond `max` that are heard. */
  readonly surplusMax: number;
  /** Why no client can be taken, though there are not too many; null: nothing is short. */
  readonly shortage: PoolerError | null;
}

export class ClientGate {
  readonly #facts: GateFacts;

  constructor(facts: GateFacts) {
    this.#facts = facts;
  }

  /** Whether a connection that has just come is one more than may stay. It counts itself. */
  get full(): boolean {
    return this.#facts.open > this.#facts.max;
  }

  /** Whether there are so many that it is not even heard. */
  get overfull(): boolean {
    return this.#facts.open > this.#facts.max + this.#facts.surplusMax;
  }

  /**
   * Returns why a client that has sent its StartupMessage must go, or null.
   * @param cameWhenFull then it stays only if another one has left since; who came before does in any case
   */
  refusal(cameWhenFull: boolean): PoolerError | null {
    const { open, max, shortage } = this.#facts;
    return cameWhenFull && this.full ? new TooManyConnectionsError(open, max) : shortage;
  }
}

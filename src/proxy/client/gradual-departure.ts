/**
 * The clients of a pooler leave one after the other: whoever is told to go comes back elsewhere, and thousands
 * who log in at the same moment wait for each other.
 */

import type { PoolerError } from "../../base/pooler-error.ts";
import type { EndableClient } from "./session-owner.ts";

/** Who is here. */
export interface PresentClients {
  list(): readonly EndableClient[];
  has(client: EndableClient): boolean;
}

export class GradualDeparture {
  readonly #present: PresentClients;
  readonly #error: PoolerError;
  readonly #areMoved: () => boolean;
  readonly #size: number;
  /** Who has not been told, in the order in which they are. */
  #staying: readonly EndableClient[];

  /**
   * Nobody is told yet. Who comes later is none of it.
   * @param areMoved whether others go on with those that can be moved: as long as that is so, these are told nothing
   */
  constructor(present: PresentClients, error: PoolerError, areMoved: () => boolean) {
    this.#present = present;
    this.#error = error;
    this.#areMoved = areMoved;
    this.#staying = present.list();
    this.#size = this.#staying.length;
  }

  /**
   * Tells as many as make this share of all, from 0 to 1, those included who have gone: each leaves when no
   * transaction of it runs.
   */
  endShare(share: number): void {
    let due = Math.min(this.#size, Math.ceil(this.#size * share)) - this.#size;
    due += this.#staying.length;
    if (due <= 0) return;
    this.#staying = this.#staying.filter((client) => {
      if (due <= 0) return true;
      const isHere = this.#present.has(client);
      if (isHere && client.mayMove && this.#areMoved()) return true;
      due -= 1;
      if (isHere) client.endWhenIdle(this.#error);
      return false;
    });
  }
}

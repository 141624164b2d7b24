/**
 * The clients of a pooler leave one after the other: whoever is told to go comes back elsewhere, and thousands
 * who log in at the same moment wait for each other.
 */

import type { PoolerError } from "../base/pooler-error.ts";
import type { EndableClient } from "./session-owner.ts";

/** Who is here. */
export interface PresentClients {
  list(): readonly EndableClient[];
  has(client: EndableClient): boolean;
}

export class GradualDeparture {
  readonly #present: PresentClients;
  readonly #error: PoolerError;
  readonly #leaving: readonly EndableClient[];
  #told = 0;

  /** Nobody is told yet. Who comes later is none of it. */
  constructor(present: PresentClients, error: PoolerError) {
    this.#present = present;
    this.#error = error;
    this.#leaving = present.list();
  }

  /** Tells as many as make this share of all, from 0 to 1: each leaves when no transaction of it runs. */
  endShare(share: number): void {
    const count = Math.min(this.#leaving.length, Math.ceil(this.#leaving.length * share));
    for (; this.#told < count; this.#told += 1) {
      const client = this.#leaving[this.#told];
      if (client !== undefined && this.#present.has(client)) client.endWhenIdle(this.#error);
    }
  }
}

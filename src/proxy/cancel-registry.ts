/**
 * The clients of this worker by their cancel keys.
 */

import { timingSafeEqual } from "node:crypto";
import { assert } from "../base/assert.ts";
import type { Random } from "../base/random.ts";
import { CLIENTS_MAX, cancelAddressOf, processIdOf } from "../session/cancel-key.ts";

/** What a CancelRequest is delivered to. */
export interface Cancellable {
  /** Cancels what runs now, if anything does. */
  cancel(): void;
}

/** The key that one client was given. */
export interface IssuedKey {
  readonly processId: number;
  readonly secretKey: Uint8Array;
}

interface Entry {
  readonly target: Cancellable;
  readonly key: IssuedKey;
}

export class CancelRegistry {
  readonly #node: number;
  readonly #worker: number;
  readonly #random: Random;
  readonly #entries = new Map<number, Entry>();
  #next = 0;

  constructor(node: number, worker: number, random: Random) {
    this.#node = node;
    this.#worker = worker;
    this.#random = random;
  }

  get size(): number {
    return this.#entries.size;
  }

  /**
   * Gives `target` a key with a secret of so many bytes. Fewer than CLIENTS_MAX - 1 may have one before:
   * nobody gets number 0.
   */
  issue(target: Cancellable, secretBytes: number): IssuedKey {
    assert(this.#entries.size < CLIENTS_MAX - 1, "there is a free number for the client");
    do this.#next = (this.#next + 1) % CLIENTS_MAX;
    while (this.#next === 0 || this.#entries.has(this.#next));
    const processId = processIdOf({ node: this.#node, worker: this.#worker, client: this.#next });
    const key = { processId, secretKey: this.#random.bytes(secretBytes) };
    this.#entries.set(this.#next, { target, key });
    return key;
  }

  /** The client is gone. */
  revoke(key: IssuedKey): void {
    this.#entries.delete(cancelAddressOf(key.processId).client);
  }

  /** Delivers a CancelRequest. A key that is not exactly right does nothing, and nobody is told. */
  cancel(processId: number, secretKey: Uint8Array): void {
    const entry = this.#entries.get(cancelAddressOf(processId).client);
    if (entry === undefined || entry.key.processId !== processId) return;
    const known = entry.key.secretKey;
    if (known.length === secretKey.length && timingSafeEqual(known, secretKey))
      entry.target.cancel();
  }
}

/**
 * The clients of this worker by their cancel keys.
 */

import { timingSafeEqual } from "node:crypto";
import { assert } from "../base/assert.ts";
import type { Random } from "../base/random.ts";
import { CLIENTS_MAX, cancelAddressOf, processIdOf, SECRET_BYTES } from "../session/cancel-key.ts";
import { readInt32, readUint32 } from "../wire/bytes.ts";

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

/**
 * A short secret is kept as the integer that it is: an array for it would take 95 bytes more of each
 * client, of some 900 that an idle one takes on the heap.
 */
type Secret = number | Uint8Array;

interface Entry {
  readonly target: Cancellable;
  readonly secret: Secret;
}

export class CancelRegistry {
  readonly #node: number;
  readonly #worker: number;
  readonly #random: Random;
  readonly #entries = new Map<number, Entry>();
  #next: number;

  /** Begins anywhere: what comes after another one's end seldom gives numbers whose clients still have them. */
  constructor(node: number, worker: number, random: Random) {
    this.#node = node;
    this.#worker = worker;
    this.#random = random;
    this.#next = readUint32(random.bytes(4), 0) % CLIENTS_MAX;
  }

  get size(): number {
    return this.#entries.size;
  }

  /**
   * Gives `target` a key with a secret of so many bytes, to be told to its client and forgotten.
   * Fewer than CLIENTS_MAX - 1 may have one before: nobody gets number 0.
   */
  issue(target: Cancellable, secretBytes: number): IssuedKey {
    assert(this.#entries.size < CLIENTS_MAX - 1, "there is a free number for the client");
    do this.#next = (this.#next + 1) % CLIENTS_MAX;
    while (this.#next === 0 || this.#entries.has(this.#next));
    const processId = processIdOf({ node: this.#node, worker: this.#worker, client: this.#next });
    const secretKey = this.#random.bytes(secretBytes);
    this.#entries.set(this.#next, { target, secret: secretOf(secretKey) });
    return { processId, secretKey };
  }

  /**
   * Gives `target` the key that its client was given by another one with this address, before that ended.
   * Returns false where it has not this address, or its number is somebody else's.
   */
  adopt(target: Cancellable, { processId, secretKey }: IssuedKey): boolean {
    const { node, worker, client } = cancelAddressOf(processId);
    const isOurs = node === this.#node && worker === this.#worker && processId > 0;
    if (!isOurs || client === 0 || this.#entries.has(client)) return false;
    this.#entries.set(client, { target, secret: secretOf(secretKey) });
    return true;
  }

  /** The client that got a key with this process id is gone. */
  revoke(processId: number): void {
    this.#entries.delete(cancelAddressOf(processId).client);
  }

  /** Delivers a CancelRequest. A key that is not exactly right does nothing, and nobody is told. */
  cancel(processId: number, secretKey: Uint8Array): void {
    const { node, worker, client } = cancelAddressOf(processId);
    if (node !== this.#node || worker !== this.#worker || processId < 0) return;
    const entry = this.#entries.get(client);
    if (entry !== undefined && isSecret(entry.secret, secretKey)) entry.target.cancel();
  }
}

function secretOf(secretKey: Uint8Array): Secret {
  return secretKey.length === SECRET_BYTES.v3_0 ? readInt32(secretKey, 0) : secretKey;
}

/** In a time that does not depend on where they differ. */
function isSecret(secret: Secret, secretKey: Uint8Array): boolean {
  if (typeof secret === "number")
    return secretKey.length === SECRET_BYTES.v3_0 && readInt32(secretKey, 0) === secret;
  return secret.length === secretKey.length && timingSafeEqual(secret, secretKey);
}

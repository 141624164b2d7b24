/**
 * The clients of this worker by their cancel keys.
 *
 * A client that another process has let in keeps the key that it got there, though that names another worker, or a
 * number that somebody here has, too: only the secret tells them apart then.
 */

import { timingSafeEqual } from "node:crypto";
import { assert } from "../../base/assert.ts";
import type { Random } from "../../base/random.ts";
import {
  CLIENTS_MAX,
  cancelAddressOf,
  processIdOf,
  SECRET_BYTES,
} from "../../session/cancel-key.ts";
import { readInt32, readUint32 } from "../../wire/bytes.ts";

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
  /** Clients whose keys were given elsewhere, by the whole process id. */
  readonly #guests = new Map<number, Entry>();
  #next: number;

  /** Begins anywhere: what comes after another one's end seldom gives numbers whose clients still have them. */
  constructor(node: number, worker: number, random: Random) {
    this.#node = node;
    this.#worker = worker;
    this.#random = random;
    this.#next = readUint32(random.bytes(4), 0) % CLIENTS_MAX;
  }

  get size(): number {
    return this.#entries.size + this.#guests.size;
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
   * Gives `target` the key that its client was given elsewhere, by a process that has let it go. Returns false where
   * that is no key, or a client with the same process id has come in that way already.
   */
  adopt(target: Cancellable, { processId, secretKey }: IssuedKey): boolean {
    const { node, worker, client } = cancelAddressOf(processId);
    if (client === 0 || processId <= 0) return false;
    const entry = { target, secret: secretOf(secretKey) };
    const isOurs = node === this.#node && worker === this.#worker;
    if (isOurs && !this.#entries.has(client)) this.#entries.set(client, entry);
    else if (this.#guests.has(processId)) return false;
    else this.#guests.set(processId, entry);
    return true;
  }

  /** Returns the key that a client has; null: it has none, or one that somebody else was given. */
  keyOf(target: Cancellable, processId: number): IssuedKey | null {
    for (const entry of this.#entriesOf(processId))
      if (entry.target === target) return { processId, secretKey: bytesOf(entry.secret) };
    return null;
  }

  /** `target`, which has a key with this process id, is gone. */
  revoke(target: Cancellable, processId: number): void {
    const { client } = cancelAddressOf(processId);
    if (this.#guests.get(processId)?.target === target) this.#guests.delete(processId);
    else if (this.#entries.get(client)?.target === target) this.#entries.delete(client);
  }

  /** Delivers a CancelRequest. A key that is not exactly right does nothing, and nobody is told. */
  cancel(processId: number, secretKey: Uint8Array): void {
    for (const { target, secret } of this.#entriesOf(processId))
      if (isSecret(secret, secretKey)) target.cancel();
  }

  /** Who may be meant by a process id. */
  #entriesOf(processId: number): readonly Entry[] {
    const { node, worker, client } = cancelAddressOf(processId);
    const isOurs = node === this.#node && worker === this.#worker && processId > 0;
    const own = isOurs ? this.#entries.get(client) : undefined;
    const guest = this.#guests.get(processId);
    return [own, guest].filter((entry) => entry !== undefined);
  }
}

function secretOf(secretKey: Uint8Array): Secret {
  return secretKey.length === SECRET_BYTES.v3_0 ? readInt32(secretKey, 0) : secretKey;
}

function bytesOf(secret: Secret): Uint8Array {
  if (typeof secret !== "number") return secret;
  const bytes = new Uint8Array(SECRET_BYTES.v3_0);
  new DataView(bytes.buffer).setInt32(0, secret);
  return bytes;
}

/** In a time that does not depend on where they differ. */
function isSecret(secret: Secret, secretKey: Uint8Array): boolean {
  if (typeof secret === "number")
    return secretKey.length === SECRET_BYTES.v3_0 && readInt32(secretKey, 0) === secret;
  return secret.length === secretKey.length && timingSafeEqual(secret, secretKey);
}

/**
 * A map with a limit: what was not used for longest makes room.
 */

import { assert } from "./assert.ts";

export class LruMap<K, V> {
  /** A Map keeps its insertion order: the first entry is the one unused for longest. */
  readonly #entries = new Map<K, V>();
  readonly #entriesMax: number;

  constructor(entriesMax: number) {
    assert(entriesMax >= 1, "an LRU map holds at least one entry");
    this.#entriesMax = entriesMax;
  }

  get size(): number {
    return this.#entries.size;
  }

  /** The keys, that of the entry unused for longest first. */
  keys(): Iterable<K> {
    return this.#entries.keys();
  }

  /** Returns the value without marking it as used, or undefined. */
  peek(key: K): V | undefined {
    return this.#entries.get(key);
  }

  /** Puts another value in the place of `key`, where there is one, without marking it as used. */
  renew(key: K, value: V): void {
    if (this.#entries.has(key)) this.#entries.set(key, value);
  }

  /** Returns the value and marks it as used now, or undefined. */
  get(key: K): V | undefined {
    const value = this.#entries.get(key);
    if (value === undefined) return undefined;
    this.#entries.delete(key);
    this.#entries.set(key, value);
    return value;
  }

  /** Puts `value` as used now. At the limit, the entry unused for longest goes. */
  set(key: K, value: V): void {
    this.#entries.delete(key);
    this.#entries.set(key, value);
    if (this.#entries.size <= this.#entriesMax) return;
    for (const oldest of this.#entries.keys()) {
      this.#entries.delete(oldest);
      return;
    }
  }

  /** Returns whether there was such an entry. */
  delete(key: K): boolean {
    return this.#entries.delete(key);
  }

  clear(): void {
    this.#entries.clear();
  }
}

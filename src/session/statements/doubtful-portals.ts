/**
 * Portals whose columns are others than the client was told: bound of a statement that has come to be
 * another one. The client may execute one once it has asked for a description of it, and not before.
 */

import { findNul, readText } from "../../wire/bytes.ts";
import { HEADER_BYTES } from "../../wire/limits.ts";
import type { ColumnsTold } from "./shape-notes.ts";

/** Beyond this, a client that binds and does not execute is refused. */
const PORTALS_MAX = 1_000;

export class DoubtfulPortals {
  readonly #portals = new Map<string, ColumnsTold>();

  get size(): number {
    return this.#portals.size;
  }

  get full(): boolean {
    return this.#portals.size >= PORTALS_MAX;
  }

  clear(): void {
    if (this.#portals.size > 0) this.#portals.clear();
  }

  /** The portal that a Bind names in `bytes[start, end)` has such columns. */
  add(told: ColumnsTold, bytes: Uint8Array, start: number, end: number): void {
    this.#portals.set(portalIn(bytes, start + HEADER_BYTES, end), told);
  }

  /** A Bind makes the portal another one. */
  forget(bytes: Uint8Array, start: number, end: number): void {
    if (this.#portals.size > 0) this.#portals.delete(portalIn(bytes, start + HEADER_BYTES, end));
  }

  /** Returns what a Describe of the portal will tell the client, who may execute it from now on; null: no news. */
  describe(bytes: Uint8Array, start: number, end: number): ColumnsTold | null {
    if (this.#portals.size === 0) return null;
    const portal = portalIn(bytes, start + HEADER_BYTES + 1, end);
    const told = this.#portals.get(portal) ?? null;
    this.#portals.delete(portal);
    return told;
  }

  /** Whether the Execute, whole in `bytes[start, end)`, is of such a portal. */
  has(bytes: Uint8Array, start: number, end: number): boolean {
    return this.#portals.has(portalIn(bytes, start + HEADER_BYTES, end));
  }
}

/** Without an end, PostgreSQL will refuse the message. */
function portalIn(bytes: Uint8Array, from: number, end: number): string {
  return readText(bytes, from, Math.max(from, findNul(bytes, from, end)));
}

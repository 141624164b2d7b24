/**
 * The queue of replies that one server owes, oldest first: a ring of kinds and their notes.
 * No allocation per message; it grows by doubling up to a limit.
 *
 * The guard of DESIGN section 4: a server goes back to its pool only while this is empty.
 */

import { assert } from "../../base/assert.ts";
import {
  EXPECTED,
  type ExpectedKind,
  type ExpectedNote,
  endsWithReadyForQuery,
} from "./expected-reply.ts";

/** Slots of a new queue: a usual pipeline of Parse, Bind, Describe, Execute, Sync fits. */
const INITIAL_SLOTS = 8;

/** Most replies in flight on one server; a client that pipelines more waits (see FrontendRelay). */
export const EXPECTED_REPLIES_MAX = 65_536;

export class ExpectedReplies {
  #kinds = new Uint8Array(INITIAL_SLOTS);
  #notes: ExpectedNote[] = Array.from<ExpectedNote>({ length: INITIAL_SLOTS }).fill(null);
  #mask = INITIAL_SLOTS - 1;
  #head = 0;
  #size = 0;
  #readyOwed = 0;

  get size(): number {
    return this.#size;
  }

  /** How many ReadyForQuery are owed: with none, the last status told is the status that is. */
  get readyOwed(): number {
    return this.#readyOwed;
  }

  /** Whether no more fits: the caller waits for replies before it sends on. */
  get full(): boolean {
    return this.#size >= EXPECTED_REPLIES_MAX;
  }

  /** Returns the kind of the oldest reply owed, or 0 when nothing is. */
  get head(): ExpectedKind {
    return this.#size === 0 ? 0 : (this.#kinds[this.#head] ?? 0);
  }

  /** Returns the note of the oldest reply owed. */
  get headNote(): ExpectedNote {
    return this.#notes[this.#head] ?? null;
  }

  /** Returns the kind of the reply that stands `index` places behind the head; 0 where none does. */
  kindAt(index: number): ExpectedKind {
    return index < this.#size ? (this.#kinds[(this.#head + index) & this.#mask] ?? 0) : 0;
  }

  /** Returns the note of the reply that stands `index` places behind the head. */
  noteAt(index: number): ExpectedNote {
    return index < this.#size ? (this.#notes[(this.#head + index) & this.#mask] ?? null) : null;
  }

  /** Puts a reply behind all that are owed already. */
  push(kind: ExpectedKind, note: ExpectedNote): void {
    if (this.#size > this.#mask) this.#grow();
    const at = (this.#head + this.#size) & this.#mask;
    this.#kinds[at] = kind;
    this.#notes[at] = note;
    this.#size += 1;
    if (endsWithReadyForQuery(kind)) this.#readyOwed += 1;
  }

  /** Takes the oldest reply off. There must be one. */
  shift(): void {
    assert(this.#size > 0, "a reply is owed");
    if (endsWithReadyForQuery(this.#kinds[this.#head] ?? 0)) this.#readyOwed -= 1;
    this.#notes[this.#head] = null;
    this.#head = (this.#head + 1) & this.#mask;
    this.#size -= 1;
  }

  /** Turns the oldest reply into another kind: a Describe of a statement is answered in two halves. */
  replaceHead(kind: ExpectedKind): void {
    assert(this.#size > 0, "a reply is owed");
    this.#kinds[this.#head] = kind;
  }

  /**
   * Takes out every Sync that stands right behind the oldest reply: a server that has entered COPY
   * reads and ignores them.
   * Source: CopyGetData in PostgreSQL's src/backend/commands/copyfromparse.c.
   * @returns how many there were
   */
  dropSyncsBehindHead(): number {
    let count = 0;
    while (this.#size > 1 && this.kindAt(1) === EXPECTED.sync) {
      const next = (this.#head + 1) & this.#mask;
      this.#kinds[next] = this.head;
      this.#notes[next] = this.headNote;
      this.#notes[this.#head] = null;
      this.#head = next;
      this.#size -= 1;
      this.#readyOwed -= 1;
      count += 1;
    }
    return count;
  }

  #grow(): void {
    const slots = (this.#mask + 1) * 2;
    const kinds = new Uint8Array(slots);
    const notes: ExpectedNote[] = Array.from<ExpectedNote>({ length: slots }).fill(null);
    for (let index = 0; index < this.#size; index += 1) {
      const from = (this.#head + index) & this.#mask;
      kinds[index] = this.#kinds[from] ?? 0;
      notes[index] = this.#notes[from] ?? null;
    }
    this.#kinds = kinds;
    this.#notes = notes;
    this.#mask = slots - 1;
    this.#head = 0;
  }
}

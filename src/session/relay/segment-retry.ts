/**
 * A segment that may be sent once more, unseen: PostgreSQL has refused its first Bind or Describe because a
 * table was changed without our knowing (0A000), nothing of it has been carried out, and nothing was told to
 * its client. The next time, the statement is prepared anew.
 *
 *   none ── possible ── held ── due ── none
 *                        └── late ──────┘
 *
 * Only a segment outside a transaction, at the end of one chunk, with nothing sent before or behind it that
 * is not answered. The chunk is kept as it is, until the client sends more or lets its server go: no copy.
 */

import { assert } from "../../base/assert.ts";
import { TRANSACTION_STATUS } from "../../wire/backend/ready-for-query.ts";
import type { ExpectedReplies } from "./expected-replies.ts";
import { EXPECTED } from "./expected-reply.ts";

/** Who sends more than this at a time is told the error. */
const CHUNK_BYTES_MAX = 8_192;

const PHASE = {
  none: 0,
  /** A Sync has ended the segment, and no reply to it has come. */
  possible: 1,
  /** Its error is kept from the client until ReadyForQuery. */
  held: 2,
  /** As above, but the client has sent more by now: it will be told. */
  late: 3,
  /** The server is ready to get it again. */
  due: 4,
} as const;

const NO_SEGMENT = -1;

export class SegmentRetry {
  #phase: number = PHASE.none;
  #chunk: Uint8Array | null = null;
  /** Where its first Bind or Describe begins. */
  #from = 0;
  #segment = NO_SEGMENT;
  /** How many replies were owed before that message's. */
  #owedBefore = 0;
  /** How many are owed from it on. */
  #replies = 0;
  #error: Uint8Array | null = null;
  /** What was refused is a Describe of a statement, and its client has been told the parameters. */
  #parametersTold = false;
  /** The segment that was sent once more: there is no third time. */
  #repeated = NO_SEGMENT;

  /** Whether what the client sends now must wait. */
  get holdsBack(): boolean {
    return this.#phase === PHASE.held || this.#phase === PHASE.late;
  }

  /** Whether {@link take} is to be called. */
  get due(): boolean {
    return this.#phase === PHASE.due;
  }

  /** Whether the next ParameterDescription repeats what the client was told. */
  get parametersTold(): boolean {
    return this.#parametersTold;
  }

  /** The repeated ParameterDescription came, or never will. */
  endParameters(): void {
    this.#parametersTold = false;
  }

  /** A hold begins or ends. */
  reset(): void {
    this.#parametersTold = false;
    this.#phase = PHASE.none;
    this.#chunk = null;
    this.#segment = NO_SEGMENT;
    this.#repeated = NO_SEGMENT;
    this.#error = null;
  }

  /** The client sends a chunk. */
  onClientBytes(): void {
    if (this.#phase === PHASE.possible) this.#phase = PHASE.none;
    else if (this.#phase === PHASE.held) this.#phase = PHASE.late;
  }

  /** A Bind or Describe at `start` of `chunk` went out; its reply is the last that is owed. */
  begin(
    chunk: Uint8Array,
    start: number,
    segment: number,
    status: number,
    expected: ExpectedReplies,
  ): void {
    if (segment === this.#segment) return;
    this.#segment = segment;
    const suits = status === TRANSACTION_STATUS.Idle && expected.readyOwed === 0;
    this.#chunk = suits && chunk.length <= CHUNK_BYTES_MAX ? chunk : null;
    this.#from = start;
    this.#owedBefore = expected.size - 1;
  }

  /** The segment waits in its middle: replies come before it is complete. */
  interrupt(): void {
    this.#chunk = null;
  }

  /** A Sync went out that ends at `end` of `chunk`. */
  complete(chunk: Uint8Array, end: number, segment: number, expected: ExpectedReplies): void {
    const suits = chunk === this.#chunk && segment === this.#segment && end === chunk.length;
    if (!suits || segment === this.#repeated) return;
    this.#replies = expected.size - this.#owedBefore;
    this.#phase = PHASE.possible;
  }

  /**
   * The oldest reply is an error because a table has changed. Returns whether its client is not to be told:
   * where it is that of the segment's first Bind or Describe.
   */
  hold(error: Uint8Array, expected: ExpectedReplies): boolean {
    if (this.#phase !== PHASE.possible || expected.size !== this.#replies) return false;
    this.#phase = PHASE.held;
    this.#error = error;
    this.#parametersTold = expected.head === EXPECTED.describeRows;
    return true;
  }

  /** ReadyForQuery came behind what is held back. Returns the error where the client is to be told after all. */
  onReady(): Uint8Array | null {
    const error = this.#error;
    this.#error = null;
    this.#phase = this.#phase === PHASE.held ? PHASE.due : PHASE.none;
    if (this.#phase === PHASE.none) this.#parametersTold = false;
    return this.#phase === PHASE.due ? null : error;
  }

  /** Returns what the client sent, from the message on that was refused. @param segment what it counts as now */
  take(segment: number): Uint8Array {
    const chunk = this.#chunk;
    assert(this.#phase === PHASE.due && chunk !== null, "a segment is to be repeated");
    this.#phase = PHASE.none;
    this.#repeated = segment;
    return chunk.subarray(this.#from);
  }
}

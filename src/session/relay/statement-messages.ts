/**
 * Parse, Bind, Describe, Execute and Close: the messages that name statements and portals. Checks their form as far as they must be
 * read, notes what the server will owe for them, and passes them on: as they are in session mode, with their names
 * translated ({@link StatementTranslator}) in transaction mode.
 */

import { findNul } from "../../wire/bytes.ts";
import { HEADER_BYTES, SMALL_MESSAGE_BYTES_MAX } from "../../wire/limits.ts";
import { FRONTEND } from "../../wire/message-type.ts";
import type { ServerState } from "../server-state.ts";
import { BIND_SEARCHED_BYTES } from "../settings/settings-in-values.ts";
import type { ColumnsTold } from "../statements/shape-notes.ts";
import type { StatementTranslator } from "../statements/statement-translator.ts";
import { EXPECTED, type ExpectedKind, UNNAMED } from "./expected-reply.ts";
import { OUTCOME, type Outcome } from "./message-outcome.ts";
import type { ByteSink, RunWriter } from "./run-writer.ts";

/** Byte1('S'): a Describe or Close is of a statement, not of a portal. */
export const OF_STATEMENT = 0x53;

/** A chunk up to this size is kept for the Parse that it begins with. */
const KEPT_CHUNK_BYTES_MAX = 512;

/**
 * A Query up to this size is read for what it does to its session, and so waits until it is whole: the server
 * could not begin with less of it anyway. As much as a client that waits may hold.
 */
const QUERY_READ_BYTES_MAX = 65_536;

/** Names of portals and statements: PostgreSQL cuts them at 63 bytes, drivers stay below. */
const NAMES_BYTES_MAX = 4_096;

export class StatementMessages {
  /** Null: names go through as they are. */
  readonly #translator: StatementTranslator | null;
  readonly #statementBytesMax: number;
  readonly #out: RunWriter;

  /** @param statementBytesMax the longest Parse that is read whole and kept */
  constructor(translator: StatementTranslator | null, statementBytesMax: number, out: RunWriter) {
    this.#translator = translator;
    this.#statementBytesMax = statementBytesMax;
    this.#out = out;
  }

  /** Whether what was executed last may change what names mean: the next message waits for its end. */
  get mayForget(): boolean {
    return this.#translator !== null && this.#translator.mayForget;
  }

  /** A server was taken. */
  beginHold(): void {
    this.#translator?.beginHold();
  }

  /** As {@link FrameHandler.neededBytes}. */
  neededBytes(
    type: number,
    messageBytes: number,
    bytes: Uint8Array,
    start: number,
    end: number,
  ): number {
    switch (type) {
      case FRONTEND.Parse:
        return this.#translator === null ? 0 : this.#neededOfParse(messageBytes, end - start);
      case FRONTEND.Bind:
        return this.#translator === null ? 0 : neededOfBind(messageBytes, bytes, start, end);
      case FRONTEND.Query:
        return messageBytes > QUERY_READ_BYTES_MAX ? 0 : messageBytes;
      case FRONTEND.Execute:
        return this.#translator?.doubts === true ? Math.min(messageBytes, NAMES_BYTES_MAX) : 0;
      case FRONTEND.Describe:
      case FRONTEND.Close:
        return messageBytes > SMALL_MESSAGE_BYTES_MAX ? 0 : messageBytes;
      default:
        return 0;
    }
  }

  /**
   * Deals with the message in `bytes[start, end)`, of which more may be to come.
   * @param segment counts the client's Sync, Query and FunctionCall
   */
  onMessage(
    type: number,
    bytes: Uint8Array,
    start: number,
    end: number,
    messageEnd: number,
    segment: number,
    server: ServerState,
    sink: ByteSink,
  ): Outcome {
    const small = type === FRONTEND.Describe || type === FRONTEND.Close;
    if (small && messageEnd - start > SMALL_MESSAGE_BYTES_MAX) return OUTCOME.invalidLength;
    const translator = this.#translator;
    if (translator === null)
      return this.#passOn(
        kindOf(type, bytes[start + HEADER_BYTES] ?? 0),
        null,
        bytes,
        start,
        end,
        server,
        sink,
      );
    switch (type) {
      case FRONTEND.Bind:
        if (!holdsBindNames(bytes, start, end)) return OUTCOME.invalidFormat;
        return mayRetry(
          translator.bind(bytes, start, end, messageEnd, segment, server, sink),
          bytes,
          start,
          segment,
          server,
        );
      case FRONTEND.Parse:
        return this.#parse(translator, bytes, start, end, messageEnd, segment, server, sink);
      case FRONTEND.Describe:
        return mayRetry(
          this.#describe(translator, bytes, start, end, segment, server, sink),
          bytes,
          start,
          segment,
          server,
        );
      case FRONTEND.Execute:
        return this.#execute(translator, bytes, start, end, server, sink);
      default:
        return this.#close(translator, bytes, start, end, segment, server, sink);
    }
  }

  #parse(
    translator: StatementTranslator,
    bytes: Uint8Array,
    start: number,
    end: number,
    messageEnd: number,
    segment: number,
    server: ServerState,
    sink: ByteSink,
  ): Outcome {
    const messageBytes = messageEnd - start;
    if (bytes[start + HEADER_BYTES] === 0) {
      const from = start + HEADER_BYTES + 1;
      const outcome = translator.noteText(bytes, from, end, segment, server, sink);
      if (outcome === OUTCOME.needsReplies) return outcome;
      translator.noteUnnamedParse(segment);
      if (outcome === OUTCOME.taken) return outcome;
      const kept = messageBytes <= this.#statementBytesMax ? keptParse(bytes, start, end) : null;
      return this.#passOn(EXPECTED.parseUnnamed, kept, bytes, start, end, server, sink);
    }
    if (messageBytes > this.#statementBytesMax)
      return takenIf(translator.parseTooLarge(messageBytes, segment, server, sink));
    if (findNul(bytes, start + HEADER_BYTES, end) < 0) return OUTCOME.invalidFormat;
    return takenIf(translator.parse(bytes, start, end, segment, server, sink));
  }

  #describe(
    translator: StatementTranslator,
    bytes: Uint8Array,
    start: number,
    end: number,
    segment: number,
    server: ServerState,
    sink: ByteSink,
  ): Outcome {
    if (findNul(bytes, start + HEADER_BYTES + 1, end) < 0) return OUTCOME.invalidFormat;
    if (bytes[start + HEADER_BYTES] === OF_STATEMENT)
      return takenIf(translator.describe(bytes, start, end, segment, server, sink));
    const told = translator.describePortal(bytes, start, end);
    return this.#passOn(EXPECTED.describeRows, told, bytes, start, end, server, sink);
  }

  #execute(
    translator: StatementTranslator,
    bytes: Uint8Array,
    start: number,
    end: number,
    server: ServerState,
    sink: ByteSink,
  ): Outcome {
    if (translator.refusesExecute(bytes, start, end, server, sink)) return OUTCOME.taken;
    return this.#passOn(EXPECTED.execute, null, bytes, start, end, server, sink);
  }

  #close(
    translator: StatementTranslator,
    bytes: Uint8Array,
    start: number,
    end: number,
    segment: number,
    server: ServerState,
    sink: ByteSink,
  ): Outcome {
    if (findNul(bytes, start + HEADER_BYTES + 1, end) < 0) return OUTCOME.invalidFormat;
    if (bytes[start + HEADER_BYTES] !== OF_STATEMENT)
      return this.#passOn(EXPECTED.close, null, bytes, start, end, server, sink);
    const named = bytes[start + HEADER_BYTES + 1] !== 0;
    if (named) return takenIf(translator.close(bytes, start, end, segment, server, sink));
    translator.noteUnnamedParse(segment);
    return this.#passOn(EXPECTED.close, UNNAMED, bytes, start, end, server, sink);
  }

  #passOn(
    kind: ExpectedKind,
    note: Uint8Array | string | ColumnsTold | null,
    bytes: Uint8Array,
    start: number,
    end: number,
    server: ServerState,
    sink: ByteSink,
  ): Outcome {
    server.expected.push(kind, note);
    this.#out.forward(bytes, start, end, sink);
    return OUTCOME.passedOn;
  }

  #neededOfParse(messageBytes: number, available: number): number {
    if (available <= HEADER_BYTES) return HEADER_BYTES + 1;
    return messageBytes > this.#statementBytesMax ? 0 : messageBytes;
  }
}

/** What the server owes for a message that goes through as it is. */
function kindOf(type: number, target: number): ExpectedKind {
  if (type === FRONTEND.Bind) return EXPECTED.bind;
  if (type === FRONTEND.Parse) return EXPECTED.parse;
  if (type === FRONTEND.Close) return EXPECTED.close;
  if (type === FRONTEND.Execute) return EXPECTED.execute;
  return target === OF_STATEMENT ? EXPECTED.describeStatement : EXPECTED.describeRows;
}

/** Notes that the segment may begin with this message, should it have to be sent again. Returns the outcome. */
function mayRetry(
  outcome: Outcome,
  bytes: Uint8Array,
  start: number,
  segment: number,
  server: ServerState,
): Outcome {
  if (outcome !== OUTCOME.needsReplies)
    server.retry.begin(bytes, start, segment, server.status, server.expected);
  return outcome;
}

/** The translator returns false for what must wait. */
function takenIf(taken: boolean): Outcome {
  return taken ? OUTCOME.taken : OUTCOME.needsReplies;
}

/** A Bind can be passed on once both of its names are there, and what is searched of its values. */
function neededOfBind(messageBytes: number, bytes: Uint8Array, start: number, end: number): number {
  const enough = holdsBindNames(bytes, start, end) || end - start >= NAMES_BYTES_MAX;
  return enough ? Math.min(messageBytes, BIND_SEARCHED_BYTES) : end - start + 1;
}

function holdsBindNames(bytes: Uint8Array, start: number, end: number): boolean {
  const namesEnd = Math.min(end, start + NAMES_BYTES_MAX);
  const portalEnd = findNul(bytes, start + HEADER_BYTES, namesEnd);
  return portalEnd >= 0 && findNul(bytes, portalEnd + 1, namesEnd) >= 0;
}

/**
 * Returns an array that begins with the Parse in `bytes[start, end)`. A small chunk that begins with it
 * is kept as it is: drivers send the whole pipeline in one, and a copy costs 100 ns and its garbage.
 */
function keptParse(bytes: Uint8Array, start: number, end: number): Uint8Array {
  return start === 0 && bytes.length <= KEPT_CHUNK_BYTES_MAX ? bytes : bytes.slice(start, end);
}

/**
 * From client to server: reads the headers of what a client sends, notes what the server will owe for
 * each message, and passes it on. In transaction mode the names of prepared statements are translated
 * on the way ({@link StatementTranslator}).
 *
 * One relay per client connection. It stops before a message that needs a server while there is none,
 * or that has to wait for replies to earlier ones; its owner resumes it.
 *
 * PostgreSQL is the judge of what is an error: an unknown name goes to it as it is, a name in use goes
 * to it as a name in use, so that the order of replies and the fate of the transaction are its own.
 */

import { assert } from "../base/assert.ts";
import { CLOSE_COMPLETE } from "../wire/backend/empty-replies.ts";
import { findNul, readText } from "../wire/bytes.ts";
import { FLUSH } from "../wire/frontend/empty-requests.ts";
import { HEADER_BYTES, SMALL_MESSAGE_LENGTH_MAX } from "../wire/limits.ts";
import { FRONTEND } from "../wire/message-type.ts";
import type { ClientState } from "./client-state.ts";
import { EXPECTED, UNNAMED } from "./expected-reply.ts";
import { mayForgetStatements } from "./forgetful-text.ts";
import { type FrameHandler, MessageFramer } from "./message-framer.ts";
import { READY_FOR_QUERY_IDLE } from "./ready-for-query-idle.ts";
import type { ByteSink, RunWriter } from "./run-writer.ts";
import type { ServerState } from "./server-state.ts";
import type { StatementTranslator } from "./statement-translator.ts";

/**
 * What the relay tells the client session that it belongs to: once, after everything that came before
 * was passed on. Nothing that comes behind is read.
 */
export interface FrontendRelayEvents {
  /** The client said Terminate. */
  onTerminate(): void;
  /** The client broke the protocol; its connection cannot go on. The text is for the client. */
  onViolation(reason: string): void;
}

/** How the client's side ended; a violation is its text. */
type Ending = { readonly violation: string | null };

const TERMINATED: Ending = { violation: null };

/** Why the relay stopped. */
export const STOP = { none: 0, needsServer: 1, needsReplies: 2 } as const;

export interface FrontendLimits {
  /** The longest message, in bytes. */
  readonly messageBytesMax: number;
  /**
   * The longest statement that is kept: its Parse is read whole. A longer one is refused if it is named;
   * if not, it can be bound until its transaction ends.
   */
  readonly statementBytesMax: number;
}

/** A chunk up to this size is kept for the Parse that it begins with. */
const KEPT_CHUNK_BYTES_MAX = 512;

/** Names of portals and statements: PostgreSQL cuts them at 63 bytes, drivers stay below. */
const NAMES_BYTES_MAX = 4_096;

/** Describe and Close with their type byte: PostgreSQL refuses longer ones. */
const SMALL_MESSAGE_BYTES_MAX = 1 + SMALL_MESSAGE_LENGTH_MAX;

export class FrontendRelay implements FrameHandler {
  readonly #client: ClientState;
  /** Null: messages go through as they are (session mode). */
  readonly #translator: StatementTranslator | null;
  readonly #out: RunWriter;
  readonly #limits: FrontendLimits;
  readonly #events: FrontendRelayEvents;
  readonly #replies: ByteSink;
  readonly #framer: MessageFramer;
  #server: ServerState | null = null;
  #sink: ByteSink | null = null;
  /** Whether continuations of the present message go to the server. */
  #forwarding = false;
  /** Counts Sync, Query and FunctionCall: messages between two of them succeed or fail together. */
  #segment = 0;
  /** A command is under way that may change what names mean: the next message waits for its end. */
  #drainFirst = false;
  #stop: number = STOP.none;
  /** The ErrorResponse for the message that the relay stopped before: there will be no server for it. */
  #refusal: Uint8Array | null = null;
  /** After a refusal, all is ignored up to the next Sync, as PostgreSQL does after an error. */
  #skipping = false;
  /** Nothing is read any more. */
  #ending: Ending | null = null;

  /**
   * @param out shared by all relays of a worker in this direction; empty between two chunks
   * @param replies where answers go that need no server
   */
  constructor(
    client: ClientState,
    translator: StatementTranslator | null,
    limits: FrontendLimits,
    out: RunWriter,
    replies: ByteSink,
    events: FrontendRelayEvents,
  ) {
    this.#client = client;
    this.#translator = translator;
    this.#limits = limits;
    this.#out = out;
    this.#replies = replies;
    this.#events = events;
    this.#framer = new MessageFramer(this, limits.messageBytesMax, FRONTEND.CopyData);
  }

  /** Why it waits, one of {@link STOP}. */
  get stop(): number {
    return this.#framer.stopped && this.#ending === null ? this.#stop : STOP.none;
  }

  /** Whether part of a message was passed on and the rest is to come: the server can't be let go. */
  get insideMessage(): boolean {
    return this.#forwarding && this.#framer.insideMessage;
  }

  /** How many of the client's bytes wait here. */
  get heldBytes(): number {
    return this.#framer.heldBytes;
  }

  /** The server that messages go to from now on, or none. */
  setServer(server: ServerState | null, sink: ByteSink | null): void {
    assert(this.#out.empty, "what was gathered for one server has left before another is taken");
    this.#server = server;
    this.#sink = sink;
    if (server !== null) this.#translator?.beginHold();
  }

  /** Reads a chunk. Returns false if the server's side holds some of it back: stop reading the client. */
  feed(chunk: Uint8Array): boolean {
    if (this.#ending !== null) return true;
    try {
      this.#framer.feed(chunk);
      return this.#flush();
    } catch (error) {
      return this.#abandon(error);
    }
  }

  /** Goes on where it stopped. As {@link feed}. */
  resume(): boolean {
    if (this.#ending !== null) return true;
    try {
      this.#framer.resume();
      return this.#flush();
    } catch (error) {
      return this.#abandon(error);
    }
  }

  /** Answers the message it stopped before with an error, and goes on behind it. */
  refuse(errorResponse: Uint8Array): boolean {
    this.#refusal = errorResponse;
    return this.resume();
  }

  neededBytes(
    type: number,
    messageBytes: number,
    bytes: Uint8Array,
    start: number,
    end: number,
  ): number {
    switch (type) {
      case FRONTEND.Parse:
        return this.#neededOfParse(messageBytes, end - start);
      case FRONTEND.Bind:
        return this.#translator === null ? 0 : neededOfBind(bytes, start, end);
      case FRONTEND.Describe:
      case FRONTEND.Close:
        return messageBytes > SMALL_MESSAGE_BYTES_MAX ? 0 : messageBytes;
      default:
        return 0;
    }
  }

  onMessage(
    type: number,
    bytes: Uint8Array,
    start: number,
    end: number,
    messageEnd: number,
  ): boolean {
    this.#forwarding = false;
    const server = this.#server;
    const sink = this.#sink;
    if (server === null || sink === null)
      return this.#onMessageWithoutServer(type, bytes, start, end, messageEnd);
    if (server.skipping && type !== FRONTEND.Sync && type !== FRONTEND.Terminate) return true;
    if (server.copyingIn) return this.#onMessageInCopy(type, bytes, start, end, server, sink);
    if (this.#mustDrain(type, server)) return this.#stopForReplies(server, sink);
    switch (type) {
      case FRONTEND.Bind:
      case FRONTEND.Parse:
      case FRONTEND.Describe:
      case FRONTEND.Close:
        return this.#onStatementMessage(type, bytes, start, end, messageEnd, server, sink);
      case FRONTEND.Execute:
        server.expected.push(EXPECTED.execute, null);
        server.segmentOpen = true;
        this.#drainFirst = this.#translator !== null && this.#translator.mayForget;
        return this.#forward(bytes, start, end, sink);
      case FRONTEND.Sync:
        return this.#onSync(bytes, start, end, server, sink);
      case FRONTEND.Query:
        this.#drainFirst =
          this.#translator !== null && mayForgetStatements(bytes, start + HEADER_BYTES, end);
        return this.#onWholeRequest(EXPECTED.query, bytes, start, end, server, sink);
      case FRONTEND.FunctionCall:
        return this.#onWholeRequest(EXPECTED.functionCall, bytes, start, end, server, sink);
      case FRONTEND.Flush:
        return this.#forward(bytes, start, end, sink);
      default:
        return this.#onCopyOrEnd(type, bytes, start, end, server, sink);
    }
  }

  onContinuation(bytes: Uint8Array, start: number, end: number): void {
    if (this.#forwarding && this.#sink !== null) this.#out.forward(bytes, start, end, this.#sink);
  }

  onMalformed(): void {
    this.#violate("invalid message length");
  }

  /** Answers what leaves no trace on a server; stops for all else. */
  #onMessageWithoutServer(
    type: number,
    bytes: Uint8Array,
    start: number,
    end: number,
    messageEnd: number,
  ): boolean {
    if (this.#skipping && type !== FRONTEND.Sync && type !== FRONTEND.Terminate) return true;
    switch (type) {
      case FRONTEND.Sync:
        this.#skipping = false;
        this.#replies.write(READY_FOR_QUERY_IDLE, 0, READY_FOR_QUERY_IDLE.length);
        return true;
      case FRONTEND.Close:
        if (this.#translator === null) return this.#refuseOrStop(type);
        if (end < messageEnd || messageEnd - start > SMALL_MESSAGE_BYTES_MAX)
          return this.#violate("invalid message length");
        return this.#closeWithoutServer(bytes, start, end);
      // PostgreSQL ignores COPY data where no COPY is under way, and there is nothing to flush.
      case FRONTEND.Flush:
      case FRONTEND.CopyData:
      case FRONTEND.CopyDone:
      case FRONTEND.CopyFail:
        return true;
      case FRONTEND.Terminate:
        return this.#end(TERMINATED);
      case FRONTEND.Parse:
      case FRONTEND.Bind:
      case FRONTEND.Describe:
      case FRONTEND.Execute:
      case FRONTEND.Query:
      case FRONTEND.FunctionCall:
        return this.#refuseOrStop(type);
      default:
        return this.#violate(`invalid frontend message type ${type}`);
    }
  }

  #refuseOrStop(type: number): boolean {
    const errorResponse = this.#refusal;
    if (errorResponse === null) return this.#stopFor(STOP.needsServer);
    this.#refusal = null;
    this.#replies.write(errorResponse, 0, errorResponse.length);
    const wholeRequest = type === FRONTEND.Query || type === FRONTEND.FunctionCall;
    if (wholeRequest) this.#replies.write(READY_FOR_QUERY_IDLE, 0, READY_FOR_QUERY_IDLE.length);
    else this.#skipping = true;
    return true;
  }

  #closeWithoutServer(bytes: Uint8Array, start: number, end: number): boolean {
    const nameStart = start + HEADER_BYTES + 1;
    const nameEnd = findNul(bytes, nameStart, end);
    if (nameEnd < 0) return this.#violate("invalid message format");
    if (bytes[start + HEADER_BYTES] === STATEMENT) {
      if (nameStart === nameEnd) this.#client.unnamedParse = null;
      const statements = this.#client.statements;
      const change = statements.close(readText(bytes, nameStart, nameEnd));
      if (change !== null) statements.confirmClose(change);
    }
    this.#replies.write(CLOSE_COMPLETE, 0, CLOSE_COMPLETE.length);
    return true;
  }

  /** Parse, Bind, Describe, Close: the messages that name statements. */
  #onStatementMessage(
    type: number,
    bytes: Uint8Array,
    start: number,
    end: number,
    messageEnd: number,
    server: ServerState,
    sink: ByteSink,
  ): boolean {
    const small = type === FRONTEND.Describe || type === FRONTEND.Close;
    if (small && messageEnd - start > SMALL_MESSAGE_BYTES_MAX)
      return this.#violate("invalid message length");
    const taken =
      this.#translator === null
        ? this.#passStatementMessage(type, bytes, start, end, server, sink)
        : this.#translate(this.#translator, type, bytes, start, end, messageEnd, server, sink);
    if (!taken) return this.#stopForReplies(server, sink);
    server.segmentOpen = true;
    return true;
  }

  #passStatementMessage(
    type: number,
    bytes: Uint8Array,
    start: number,
    end: number,
    server: ServerState,
    sink: ByteSink,
  ): boolean {
    server.expected.push(this.#kindOf(type, bytes[start + HEADER_BYTES] ?? 0), null);
    return this.#forward(bytes, start, end, sink);
  }

  #kindOf(type: number, target: number): number {
    if (type === FRONTEND.Bind) return EXPECTED.bind;
    if (type === FRONTEND.Parse) return EXPECTED.parse;
    if (type === FRONTEND.Close) return EXPECTED.close;
    return target === STATEMENT ? EXPECTED.describeStatement : EXPECTED.describeRows;
  }

  #translate(
    translator: StatementTranslator,
    type: number,
    bytes: Uint8Array,
    start: number,
    end: number,
    messageEnd: number,
    server: ServerState,
    sink: ByteSink,
  ): boolean {
    const segment = this.#segment;
    if (type === FRONTEND.Bind) {
      if (!holdsBindNames(bytes, start, end)) return this.#violate("invalid message format");
      this.#forwarding = true;
      return translator.bind(bytes, start, end, messageEnd, segment, server, sink);
    }
    if (type === FRONTEND.Parse)
      return this.#translateParse(translator, bytes, start, end, messageEnd, server, sink);
    if (findNul(bytes, start + HEADER_BYTES + 1, end) < 0)
      return this.#violate("invalid message format");
    const ofStatement = bytes[start + HEADER_BYTES] === STATEMENT;
    if (type === FRONTEND.Describe) {
      if (ofStatement) return translator.describe(bytes, start, end, segment, server, sink);
      server.expected.push(EXPECTED.describeRows, null);
      return this.#forward(bytes, start, end, sink);
    }
    const unnamed = bytes[start + HEADER_BYTES + 1] === 0;
    if (ofStatement && !unnamed) return translator.close(bytes, start, end, segment, server);
    if (ofStatement) translator.noteUnnamedParse(segment);
    server.expected.push(EXPECTED.close, ofStatement ? UNNAMED : null);
    return this.#forward(bytes, start, end, sink);
  }

  #translateParse(
    translator: StatementTranslator,
    bytes: Uint8Array,
    start: number,
    end: number,
    messageEnd: number,
    server: ServerState,
    sink: ByteSink,
  ): boolean {
    if (bytes[start + HEADER_BYTES] === 0) {
      translator.noteUnnamedParse(this.#segment);
      translator.noteText(bytes, start + HEADER_BYTES + 1, end);
      const kept = messageEnd - start <= this.#limits.statementBytesMax;
      server.expected.push(EXPECTED.parseUnnamed, kept ? keptParse(bytes, start, end) : null);
      return this.#forward(bytes, start, end, sink);
    }
    if (messageEnd - start > this.#limits.statementBytesMax)
      return translator.parseTooLarge(messageEnd - start, this.#segment, server, sink);
    if (findNul(bytes, start + HEADER_BYTES, end) < 0)
      return this.#violate("invalid message format");
    return translator.parse(bytes, start, end, this.#segment, server, sink);
  }

  /** The server reads COPY data. Whatever else comes is for PostgreSQL to refuse. */
  #onMessageInCopy(
    type: number,
    bytes: Uint8Array,
    start: number,
    end: number,
    server: ServerState,
    sink: ByteSink,
  ): boolean {
    switch (type) {
      case FRONTEND.CopyDone:
      case FRONTEND.CopyFail:
        server.copyingIn = false;
        server.syncKeptBack = false;
        return this.#forward(bytes, start, end, sink);
      case FRONTEND.Sync:
        server.syncKeptBack = true;
        return true;
      case FRONTEND.Terminate:
        return this.#end(TERMINATED);
      default:
        return this.#forward(bytes, start, end, sink);
    }
  }

  #onSync(
    bytes: Uint8Array,
    start: number,
    end: number,
    server: ServerState,
    sink: ByteSink,
  ): boolean {
    server.skipping = false;
    return this.#onWholeRequest(EXPECTED.sync, bytes, start, end, server, sink);
  }

  /** Sync, Query, FunctionCall: what ReadyForQuery answers. */
  #onWholeRequest(
    kind: number,
    bytes: Uint8Array,
    start: number,
    end: number,
    server: ServerState,
    sink: ByteSink,
  ): boolean {
    server.expected.push(kind, null);
    server.segmentOpen = false;
    this.#segment += 1;
    return this.#forward(bytes, start, end, sink);
  }

  #onCopyOrEnd(
    type: number,
    bytes: Uint8Array,
    start: number,
    end: number,
    server: ServerState,
    sink: ByteSink,
  ): boolean {
    switch (type) {
      case FRONTEND.CopyData:
        // Where nothing is owed no COPY can be under way, and PostgreSQL would ignore it.
        return server.expected.size === 0 || this.#forward(bytes, start, end, sink);
      case FRONTEND.CopyDone:
      case FRONTEND.CopyFail:
        if (server.expected.size === 0) return true;
        server.expected.push(EXPECTED.copyEnd, null);
        return this.#forward(bytes, start, end, sink);
      case FRONTEND.Terminate:
        return this.#end(TERMINATED);
      default:
        return this.#violate(`invalid frontend message type ${type}`);
    }
  }

  /** COPY data is not held up: what is waited for may be the end of a COPY. */
  #mustDrain(type: number, server: ServerState): boolean {
    if (server.expected.size === 0) this.#drainFirst = false;
    if (!this.#drainFirst) return server.expected.full;
    return type !== FRONTEND.CopyData && type !== FRONTEND.CopyDone && type !== FRONTEND.CopyFail;
  }

  #neededOfParse(messageBytes: number, available: number): number {
    if (this.#translator === null) return 0;
    if (available <= HEADER_BYTES) return HEADER_BYTES + 1;
    return messageBytes > this.#limits.statementBytesMax ? 0 : messageBytes;
  }

  #stopFor(reason: number): false {
    this.#stop = reason;
    return false;
  }

  /** Stops until nothing is owed. Without a Flush, the server would keep replies until the Sync behind. */
  #stopForReplies(server: ServerState, sink: ByteSink): false {
    if (server.segmentOpen) this.#out.insert(FLUSH, 0, FLUSH.length, sink);
    return this.#stopFor(STOP.needsReplies);
  }

  #violate(violation: string): false {
    return this.#end({ violation });
  }

  /** The session hears of it in {@link #flush}, when all that came before has been passed on. */
  #end(ending: Ending): false {
    this.#ending = ending;
    return false;
  }

  #forward(bytes: Uint8Array, start: number, end: number, sink: ByteSink): true {
    this.#forwarding = true;
    this.#out.forward(bytes, start, end, sink);
    return true;
  }

  #flush(): boolean {
    const accepted = this.#sink === null || this.#out.flush(this.#sink);
    if (this.#ending !== null) this.#tellEnding(this.#ending);
    return accepted;
  }

  #tellEnding({ violation }: Ending): void {
    if (violation === null) this.#events.onTerminate();
    else this.#events.onViolation(violation);
  }

  /** A mistake of ours. What was gathered must not go to whoever uses the writer next. */
  #abandon(error: unknown): never {
    this.#out.reset();
    throw error;
  }
}

/** Byte1('S'): a Describe or Close is of a statement, not of a portal. */
const STATEMENT = 0x53;

/** A Bind can be passed on once both of its names are there. */
function neededOfBind(bytes: Uint8Array, start: number, end: number): number {
  const enough = holdsBindNames(bytes, start, end) || end - start >= NAMES_BYTES_MAX;
  return enough ? 0 : end - start + 1;
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

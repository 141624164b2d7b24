/**
 * From server to client: reads the headers of what a server sends, checks each message against what
 * the server owes, and passes it on. What answers a message of ours is kept from the client; what we
 * owe the client is put in at its place.
 *
 * One relay per server connection. Bytes go on as slices of the chunk they came in; only the few
 * messages that must be read (ReadyForQuery, ErrorResponse, ParameterStatus, short CommandComplete,
 * replies to our own queries) wait for their last byte, each under a limit.
 */

import { assert } from "../../base/assert.ts";
import { readErrorResponse } from "../../wire/backend/error-response.ts";
import { parameterStatuses, readParameterStatus } from "../../wire/backend/parameter-status.ts";
import { readReadyForQuery } from "../../wire/backend/ready-for-query.ts";
import { BACKEND } from "../../wire/message-type.ts";
import { ProtocolError } from "../../wire/protocol-error.ts";
import type { ClientState } from "../client-state.ts";
import { afterCommand } from "../effects/command-effects.ts";
import { type FrameHandler, MessageFramer } from "../message-framer.ts";
import { ROWS_TOLD, type ServerState } from "../server-state.ts";
import {
  completeForClient,
  isOfRestoration,
  newsOfDiscard,
  SetNote,
} from "../settings/set-note.ts";
import type { BackendRelayEvents } from "./backend-relay-events.ts";
import { enterCopyIn } from "./copy-in.ts";
import { errorReplacement, isOfChangedTable } from "./error-replacement.ts";
import {
  EXPECTED,
  type ExpectedNote,
  endsWithReadyForQuery,
  isAnsweredByParseComplete,
} from "./expected-reply.ts";
import { knownReply } from "./known-replies.ts";
import { OwnReplies } from "./own-replies.ts";
import { ABOVE_LIMIT, neededOfReply, REPLY_BYTES_MAX } from "./reply-limits.ts";
import { confirmHead, failHead, forgetUnnamed, isOwn, skipToSync, undoAll } from "./reply-notes.ts";
import type { ByteSink, RunWriter } from "./run-writer.ts";

/** Parameters that a server may report: PostgreSQL has some 15, and an extension seldom adds one. */
const PARAMETERS_MAX = 256;

export class BackendRelay implements FrameHandler {
  readonly #state: ServerState;
  readonly #out: RunWriter;
  readonly #events: BackendRelayEvents;
  readonly #ownReplies: OwnReplies;
  readonly #framer: MessageFramer;
  /** Whether continuations of the present message go to the client. */
  #forwarding = false;
  #sink: ByteSink | null = null;
  #client: ClientState | null = null;

  /** @param out shared by all relays of a worker in this direction; empty between two chunks */
  constructor(state: ServerState, out: RunWriter, events: BackendRelayEvents) {
    this.#state = state;
    this.#out = out;
    this.#events = events;
    this.#ownReplies = new OwnReplies(state, events);
    this.#framer = new MessageFramer(this, REPLY_BYTES_MAX, BACKEND.DataRow);
  }

  /** Whether bytes of a message are here that is not complete: the server may not be handed on. */
  get insideMessage(): boolean {
    return this.#framer.insideMessage || this.#framer.heldBytes > 0;
  }

  /** How many bytes of the message under way are still to come. */
  get remainingBytes(): number {
    return this.#framer.remainingBytes;
  }

  /** Whether the client has the beginning of a reply and not its end: nothing else may be sent to it. */
  get insideReply(): boolean {
    return this.#framer.insideMessage && this.#forwarding && this.#sink !== null;
  }

  /** The client that replies go to from now on; null: they are read and dropped. */
  setClient(client: ClientState | null, sink: ByteSink | null): void {
    assert(this.#out.empty, "what was gathered for one client has left before another is served");
    this.#client = client;
    this.#sink = sink;
  }

  /**
   * Reads a chunk and writes to the client what is for it, in one write where it can.
   * @returns false if the client's side holds some of it back: stop reading the server
   */
  feed(chunk: Uint8Array): boolean {
    try {
      this.#framer.feed(chunk);
      return this.#flush();
    } catch (error) {
      return this.#abandon(error);
    }
  }

  /** Sends what we owe the client and nothing of the server's stands before. */
  settle(): void {
    if (this.#framer.insideMessage) return;
    this.#settleKnown();
    this.#flush();
  }

  /** The server is gone: nothing more comes of it, and what is shared is given back. */
  end(): void {
    undoAll(this.#state);
    this.#state.end();
  }

  neededBytes(type: number, messageBytes: number): number {
    const needed = neededOfReply(type, this.#state.expected.head, messageBytes);
    if (needed !== ABOVE_LIMIT) return needed;
    this.#desync("a message above its limit");
    return 0;
  }

  onMessage(
    type: number,
    bytes: Uint8Array,
    start: number,
    end: number,
    messageEnd: number,
  ): boolean {
    if (this.#state.broken) {
      this.#forwarding = false;
      return true;
    }
    this.#forwarding = this.#accept(type, bytes, start, end, messageEnd);
    if (this.#forwarding) this.#forward(bytes, start, end);
    if (end === messageEnd) this.#settleKnown();
    return true;
  }

  onContinuation(bytes: Uint8Array, start: number, end: number): void {
    if (this.#forwarding) this.#forward(bytes, start, end);
    if (!this.#framer.insideMessage) this.#settleKnown();
  }

  onMalformed(): void {
    this.#desync("a message length that the protocol does not allow");
  }

  /** Reads one message's meaning. Returns whether it is for the client. */
  #accept(
    type: number,
    bytes: Uint8Array,
    start: number,
    end: number,
    messageEnd: number,
  ): boolean {
    const head = this.#state.expected.head;
    switch (type) {
      case BACKEND.DataRow:
        if (head === EXPECTED.execute || head === EXPECTED.query) {
          this.#state.rowsTold = ROWS_TOLD.some;
          return !isOfRestoration(this.#state.expected.headNote);
        }
        if (this.#ownReplies.accepts(type, head, bytes, start, end)) return false;
        return this.#desync("a DataRow that nobody asked for");
      case BACKEND.ReadyForQuery:
        return this.#onReadyForQuery(head, bytes, start, end);
      case BACKEND.CommandComplete:
        return this.#onCommandComplete(head, bytes, start, end, messageEnd);
      case BACKEND.ErrorResponse:
        return this.#onErrorResponse(head, bytes, start, end, messageEnd);
      case BACKEND.ParameterStatus:
        return this.#onParameterStatus(head, bytes, start, end);
      case BACKEND.NoticeResponse:
        return !isOwn(head) && !isOfRestoration(this.#state.expected.headNote);
      case BACKEND.NotificationResponse:
        return !isOwn(head) || this.#state.restoring;
      default:
        return this.#onReply(type, head, bytes, start, end);
    }
  }

  /** The replies of which only the type counts. */
  #onReply(type: number, head: number, bytes: Uint8Array, start: number, end: number): boolean {
    if (isOwn(head) && this.#ownReplies.accepts(type, head, bytes, start, end)) return false;
    switch (type) {
      case BACKEND.BindComplete:
        return this.#complete(head === EXPECTED.bind);
      case BACKEND.ParseComplete:
        return this.#confirm(isAnsweredByParseComplete(head), head);
      case BACKEND.CloseComplete:
        return this.#confirm(head === EXPECTED.close || head === EXPECTED.ownClose, head);
      case BACKEND.ParameterDescription:
        if (head !== EXPECTED.describeStatement)
          return this.#desync("a ParameterDescription that nobody asked for");
        this.#state.expected.replaceHead(EXPECTED.describeRows);
        return !this.#isRepetition();
      case BACKEND.RowDescription:
      case BACKEND.NoData:
        this.#state.rowsTold = type === BACKEND.NoData ? ROWS_TOLD.none : ROWS_TOLD.some;
        if (head === EXPECTED.query) return !isOfRestoration(this.#state.expected.headNote);
        return this.#confirm(head === EXPECTED.describeRows, head);
      case BACKEND.PortalSuspended:
        return this.#complete(head === EXPECTED.execute);
      case BACKEND.EmptyQueryResponse:
        return head === EXPECTED.query || this.#complete(head === EXPECTED.execute);
      case BACKEND.CopyInResponse:
        if (head !== EXPECTED.query && head !== EXPECTED.execute)
          return this.#desync("a CopyInResponse that nobody asked for");
        enterCopyIn(this.#state);
        return true;
      case BACKEND.CopyOutResponse:
      case BACKEND.CopyBothResponse:
      case BACKEND.CopyData:
      case BACKEND.CopyDone:
        if (head === EXPECTED.query || head === EXPECTED.execute) return true;
        return this.#desync("COPY data that nobody asked for");
      case BACKEND.FunctionCallResponse:
        if (head === EXPECTED.functionCall) return true;
        return this.#desync("a FunctionCallResponse that nobody asked for");
      default:
        return this.#desync("a message that has no place here");
    }
  }

  #onReadyForQuery(head: number, bytes: Uint8Array, start: number, end: number): boolean {
    const state = this.#state;
    const status = readReadyForQuery(bytes, start, end);
    if ((head === 0 || head === EXPECTED.ownClose) && state.copySyncs > 0)
      return state.copySyncAnswered(status);
    if (!endsWithReadyForQuery(head)) return this.#desync("a ReadyForQuery that nobody asked for");
    const own = isOwn(head);
    const note = state.expected.headNote;
    state.queryEnded(status);
    this.#tellUnreported(note);
    if (note instanceof SetNote) this.#tellParameters(newsOfDiscard(note, this.#client));
    if (head === EXPECTED.query) forgetUnnamed(state, this.#client);
    if (head === EXPECTED.ownQuery) {
      // PostgreSQL drops its unnamed statement at each Query, in the middle of a hold, too.
      state.unnamedInStep = false;
      this.#events.onOwnDone();
    }
    return !own && !this.#isToBeRepeated();
  }

  #isRepetition(): boolean {
    const { retry } = this.#state;
    const told = retry.parametersTold;
    if (told) retry.endParameters();
    return told;
  }

  /** Whether the segment that ends here is sent again, unseen. If it can't be, the client hears why it failed. */
  #isToBeRepeated(): boolean {
    const { retry } = this.#state;
    if (!retry.holdsBack) return false;
    const error = retry.onReady();
    if (error !== null) this.#insert(error);
    return error === null;
  }

  #onCommandComplete(
    head: number,
    bytes: Uint8Array,
    start: number,
    end: number,
    messageEnd: number,
  ): boolean {
    if (head !== EXPECTED.query && head !== EXPECTED.execute) {
      if (this.#ownReplies.accepts(BACKEND.CommandComplete, head, bytes, start, end)) return false;
      return this.#desync("a CommandComplete that nobody asked for");
    }
    const state = this.#state;
    state.copyingIn = false;
    state.copySyncs = 0;
    // A Query describes each of its commands that have rows; an Execute may not be described at all.
    if (head === EXPECTED.query && state.rowsTold === ROWS_TOLD.nothing)
      state.rowsTold = ROWS_TOLD.none;
    if (end === messageEnd) afterCommand(bytes, start, end, state, this.#client);
    state.rowsTold = ROWS_TOLD.nothing;
    if (head === EXPECTED.query) return completeForClient(state.expected.headNote);
    state.expected.shift();
    return true;
  }

  #onParameterStatus(head: number, bytes: Uint8Array, start: number, end: number): boolean {
    const { name, value } = readParameterStatus(bytes, start, end);
    const { parameters } = this.#state;
    if (parameters.size >= PARAMETERS_MAX && !parameters.has(name))
      return this.#desync("more parameters than a server has");
    if (this.#state.parameterReported(name, value) || isOwn(head)) return false;
    this.#state.parametersChanged = true;
    const note = this.#state.expected.headNote;
    return !(note instanceof SetNote && note.discards);
  }

  /** What the server had to say of its settings before ReadyForQuery, and did not, because it has no other value. */
  #tellUnreported(note: ExpectedNote): void {
    const news = this.#state.takeUnreported();
    if (news === null) return;
    this.#state.parametersChanged = true;
    if (!(note instanceof SetNote && note.discards)) this.#tellParameters(news);
  }

  #tellParameters(news: ReadonlyMap<string, string>): void {
    if (news.size === 0) return;
    this.#insert(parameterStatuses(news));
  }

  /** An error ends the messages up to the next Sync: none of them is answered any more. */
  #onErrorResponse(
    head: number,
    bytes: Uint8Array,
    start: number,
    end: number,
    messageEnd: number,
  ): boolean {
    const fields = end === messageEnd ? readErrorResponse(bytes, start, end) : null;
    const fatal = fields !== null && (fields.severity === "FATAL" || fields.severity === "PANIC");
    if (head === 0 || fatal) {
      const isForClient = this.#events.onFatal(fields ?? {});
      this.#state.broken = true;
      return isForClient && head !== EXPECTED.ownQuery; // the client knows nothing of that one
    }
    if (head === EXPECTED.ownQuery) {
      this.#events.onOwnError(bytes, start, end);
      return false;
    }
    if (head === EXPECTED.settings) {
      this.#state.broken = true;
      this.#events.onSettingsRefused(fields ?? {});
      return false;
    }
    const replacement = errorReplacement(this.#state, this.#client, fields);
    const held = isOfChangedTable(this.#state, fields)
      ? this.#state.retry.hold(replacement ?? bytes.slice(start, end), this.#state.expected)
      : false;
    if (held) {
      skipToSync(this.#state);
      return false;
    }
    if (replacement !== null) this.#insert(replacement);
    if (endsWithReadyForQuery(head)) return head !== EXPECTED.ownSync && replacement === null;
    failHead(this.#state, this.#client);
    skipToSync(this.#state);
    return replacement === null;
  }

  /** The oldest reply came. Returns whether the client gets it. */
  #complete(expected: boolean, own = false): boolean {
    if (!expected) return this.#desync("a reply that nobody asked for");
    this.#state.expected.shift();
    return !own;
  }

  /** As {@link #complete}, for a reply that makes a change of names or statements hold. */
  #confirm(expected: boolean, head: number): boolean {
    if (expected) confirmHead(this.#state, this.#client);
    return this.#complete(expected, isOwn(head));
  }

  /** Puts in the replies that are ours, as far as nothing of the server's stands before them. */
  #settleKnown(): void {
    const expected = this.#state.expected;
    for (;;) {
      const reply = knownReply(expected.head, expected.headNote);
      if (reply === null) return;
      this.#insert(reply);
      if (expected.head === EXPECTED.describeKnown) this.#state.rowsTold = ROWS_TOLD.none;
      confirmHead(this.#state, this.#client);
      expected.shift();
    }
  }

  #desync(reason: string): false {
    if (this.#state.broken) return false;
    this.#state.broken = true;
    // What came before was right, and goes to its client while there is one.
    this.#flush();
    this.#events.onDesync(reason);
    return false;
  }

  /** The server sent what can't be read, or we made a mistake: nothing gathered may go to somebody else. */
  #abandon(error: unknown): true {
    if (!(error instanceof ProtocolError)) {
      this.#out.reset();
      throw error;
    }
    this.#desync(error.message);
    return true;
  }

  #forward(bytes: Uint8Array, start: number, end: number): void {
    if (this.#sink !== null) this.#out.forward(bytes, start, end, this.#sink);
  }

  #insert(bytes: Uint8Array): void {
    if (this.#sink !== null) this.#out.insert(bytes, 0, bytes.length, this.#sink);
  }

  #flush(): boolean {
    return this.#sink === null || this.#out.flush(this.#sink);
  }
}

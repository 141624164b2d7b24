/**
 * From client to server: reads the headers of what a client sends, notes what the server will owe for
 * each message, and passes it on. In transaction mode the names of prepared statements are translated
 * on the way ({@link StatementTranslator}).
 *
 * One relay per client connection. It stops before a message that needs a server while there is none,
 * or that has to wait for replies to earlier ones; its owner resumes it.
 *
 * PostgreSQL is the judge of what is an error: an unknown name goes to it as it is, a name in use goes to it as one,
 * so that the order of replies and the fate of the transaction are its own.
 */

import { assert } from "../../base/assert.ts";
import { FLUSH } from "../../wire/frontend/empty-requests.ts";
import { HEADER_BYTES } from "../../wire/limits.ts";
import { FRONTEND, isSkippedToSync } from "../../wire/message-type.ts";
import type { ClientState } from "../client-state.ts";
import { noteFunctionCall } from "../effects/command-effects.ts";
import { type FrameHandler, MessageFramer } from "../message-framer.ts";
import type { ServerState } from "../server-state.ts";
import type { Settings } from "../settings/session-settings.ts";
import { sendInFront } from "../settings/settings-batch.ts";
import type { StatementTranslator } from "../statements/statement-translator.ts";
import { askInCopy, markPlace, noteCopyMessage, outcomeOutsideCopy } from "./copy-in.ts";
import type { CopyQuestion } from "./copy-question.ts";
import { EXPECTED } from "./expected-reply.ts";
import { inTurn, OUTCOME, type Outcome, violationOf } from "./message-outcome.ts";
import { QueryMessages } from "./query-messages.ts";
import {
  type Ending,
  type FrontendLimits,
  type FrontendRelayEvents,
  STOP,
  TERMINATED,
  tellEnding,
} from "./relay-owner.ts";
import type { ByteSink, RunWriter } from "./run-writer.ts";
import { StatementMessages } from "./statement-messages.ts";
import { UnservedMessages } from "./unserved-messages.ts";

export class FrontendRelay implements FrameHandler {
  readonly #statementMessages: StatementMessages;
  readonly #queryMessages: QueryMessages;
  readonly #unservedMessages: UnservedMessages;
  readonly #out: RunWriter;
  readonly #events: FrontendRelayEvents;
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
  /** Whether the message it stopped before came inside a COPY; null: it did not stop for that. */
  #copyQuestion: CopyQuestion | null = null;
  /** Nothing is read any more. */
  #ending: Ending | null = null;

  /**
   * @param translator null: statements keep their names (session mode)
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
    this.#statementMessages = new StatementMessages(translator, limits.statementBytesMax, out);
    this.#queryMessages = new QueryMessages(client, translator, out);
    this.#unservedMessages = new UnservedMessages(client, translator !== null, replies);
    this.#out = out;
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

  /** Whether all that came was read, up to the end of a message, and none is ignored up to a Sync. */
  get isBetweenMessages(): boolean {
    const { heldBytes, insideMessage } = this.#framer;
    return heldBytes === 0 && !insideMessage && !this.#unservedMessages.skipping;
  }

  /** How many of the client's bytes wait here. */
  get heldBytes(): number {
    return this.#framer.heldBytes;
  }

  /** The server that messages go to from now on, or none. */
  setServer(server: ServerState | null, sink: ByteSink | null): void {
    assert(this.#out.empty, "what was gathered for one server has left before another is taken");
    this.#server?.retry.reset();
    this.#server = server;
    this.#sink = sink;
    this.#drainFirst = false;
    this.#unservedMessages.answersAlone = true;
    if (server !== null) this.#statementMessages.beginHold();
  }

  /**
   * The client's server is asked something that is none of the client's, until {@link setServer}. What it says by
   * itself meanwhile goes to the client all the same, so that no answer may come from here: it would be inside that.
   */
  putServerAside(): void {
    this.setServer(null, null);
    this.#unservedMessages.answersAlone = false;
  }

  /** Gives the server other settings, in front of what the client sends. Goes out with that. */
  sendSettings(settings: Settings): void {
    if (this.#server !== null && this.#sink !== null)
      sendInFront(settings, this.#server, this.#out, this.#sink);
  }

  /** Reads a chunk. Returns false if the server's side holds some of it back: stop reading the client. */
  feed(chunk: Uint8Array): boolean {
    if (this.#ending !== null) return true;
    this.#server?.retry.onClientBytes();
    return this.#read(chunk);
  }

  /** Sends the segment again that its server has not carried out: see SegmentRetry. As {@link feed}. */
  repeat(server: ServerState): boolean {
    return this.#read(server.retry.take(this.#segment));
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

  /**
   * Asks a server that is at rest for certainty about the Syncs inside a failed COPY, if there is none. To be
   * called when replies came, and when a message was passed on to its end.
   */
  settleCopySyncs(): void {
    const server = this.#server;
    const sink = this.#sink;
    if (server === null || sink === null || !server.copySyncsUnsettled || this.insideMessage)
      return;
    markPlace(this.#out, server, sink);
    this.#flush();
  }

  /** Answers the message it stopped before with an error, and goes on behind it. */
  refuse(errorResponse: Uint8Array): boolean {
    this.#unservedMessages.refuseNext(errorResponse);
    return this.resume();
  }

  neededBytes(
    type: number,
    messageBytes: number,
    bytes: Uint8Array,
    start: number,
    end: number,
  ): number {
    return this.#statementMessages.neededBytes(type, messageBytes, bytes, start, end);
  }

  onMessage(
    type: number,
    bytes: Uint8Array,
    start: number,
    end: number,
    messageEnd: number,
  ): boolean {
    this.#forwarding = false;
    if (this.#copyQuestion?.wasInCopy === true)
      return this.#violate("protocol synchronization was lost");
    this.#copyQuestion = null;
    const server = this.#server;
    const sink = this.#sink;
    if (server === null || sink === null)
      return this.#conclude(
        type,
        this.#unservedMessages.onMessage(type, bytes, start, end, messageEnd),
      );
    if (server.skipping && type !== FRONTEND.Sync && type !== FRONTEND.Terminate)
      return isSkippedToSync(type) || this.#conclude(type, OUTCOME.invalidType);
    if (server.copyingIn) return this.#onMessageInCopy(type, bytes, start, end, server, sink);
    if (server.retry.holdsBack) return this.#stopForReplies();
    if (server.cancelLate) return this.#stopFor(STOP.needsCancelEnd);
    if (server.copySyncs > 0 && type !== FRONTEND.Sync && type !== FRONTEND.Terminate) {
      // What comes behind a COPY waits until it is certain which Syncs were read inside it.
      if (server.expected.size === 0) markPlace(this.#out, server, sink);
      return this.#stopForReplies();
    }
    if (this.#mustDrain(server)) return this.#stopForReplies();
    switch (type) {
      case FRONTEND.Bind:
      case FRONTEND.Parse:
      case FRONTEND.Describe:
      case FRONTEND.Execute:
      case FRONTEND.Close:
        return this.#onStatementMessage(type, bytes, start, end, messageEnd, server, sink);
      case FRONTEND.Sync:
        return this.#onSync(bytes, start, end, server, sink);
      case FRONTEND.Query:
        return this.#onQuery(bytes, start, end, messageEnd, server, sink);
      case FRONTEND.FunctionCall:
        noteFunctionCall(server);
        server.expected.push(EXPECTED.functionCall, null);
        this.#endSegment(server);
        return this.#forward(bytes, start, end, sink);
      case FRONTEND.Flush:
        if (messageEnd - start === HEADER_BYTES) return this.#forward(bytes, start, end, sink);
        // It would get an error, which is owed to nobody, and the server skip to the next Sync.
        return this.#conclude(type, inTurn(OUTCOME.invalidFormat, server));
      default:
        return this.#conclude(type, outcomeOutsideCopy(type, server));
    }
  }

  onContinuation(bytes: Uint8Array, start: number, end: number): void {
    if (this.#forwarding && this.#sink !== null) this.#out.forward(bytes, start, end, this.#sink);
  }

  onMalformed(_type: number, messageBytes: number): void {
    this.#violate("invalid message length", this.#framer.excess(messageBytes));
  }

  #read(chunk: Uint8Array): boolean {
    try {
      this.#framer.feed(chunk);
      return this.#flush();
    } catch (error) {
      return this.#abandon(error);
    }
  }

  #onStatementMessage(
    type: number,
    bytes: Uint8Array,
    start: number,
    end: number,
    messageEnd: number,
    server: ServerState,
    sink: ByteSink,
  ): boolean {
    const outcome = this.#statementMessages.onMessage(
      type,
      bytes,
      start,
      end,
      messageEnd,
      this.#segment,
      server,
      sink,
    );
    if (outcome === OUTCOME.needsReplies) return this.#stopForReplies();
    if (outcome === OUTCOME.taken || outcome === OUTCOME.passedOn) server.segmentOpen = true;
    if (type === FRONTEND.Execute && outcome === OUTCOME.passedOn)
      this.#drainFirst = this.#statementMessages.mayForget;
    return this.#conclude(type, outcome);
  }

  /** Returns what the framer is told. */
  #conclude(type: number, outcome: Outcome): boolean {
    switch (outcome) {
      case OUTCOME.taken:
        return true;
      case OUTCOME.passedOn:
        this.#forwarding = true;
        return true;
      case OUTCOME.needsServer:
        return this.#stopFor(STOP.needsServer);
      case OUTCOME.needsReplies:
        return this.#stopForReplies();
      case OUTCOME.terminated:
        return this.#end(TERMINATED);
      default:
        return this.#violate(violationOf(outcome, type));
    }
  }

  #onMessageInCopy(
    type: number,
    bytes: Uint8Array,
    start: number,
    end: number,
    server: ServerState,
    sink: ByteSink,
  ): boolean {
    const outcome = noteCopyMessage(type, server);
    if (outcome === OUTCOME.needsReplies)
      this.#copyQuestion = askInCopy(type, this.#out, server, sink);
    if (outcome === OUTCOME.passedOn) this.#out.forward(bytes, start, end, sink);
    return this.#conclude(type, outcome);
  }

  #onSync(
    bytes: Uint8Array,
    start: number,
    end: number,
    server: ServerState,
    sink: ByteSink,
  ): boolean {
    server.skipping = false;
    const segment = this.#segment;
    server.expected.push(EXPECTED.sync, null);
    this.#endSegment(server);
    this.#forward(bytes, start, end, sink);
    server.retry.complete(bytes, end, segment, server.expected);
    if (server.copySyncs > 0) markPlace(this.#out, server, sink);
    return true;
  }

  #onQuery(
    bytes: Uint8Array,
    start: number,
    end: number,
    messageEnd: number,
    server: ServerState,
    sink: ByteSink,
  ): boolean {
    const queries = this.#queryMessages;
    const outcome = queries.onMessage(bytes, start, end, messageEnd, this.#segment, server, sink);
    this.#drainFirst = queries.mayForget;
    if (outcome !== OUTCOME.needsReplies) this.#endSegment(server);
    return this.#conclude(FRONTEND.Query, outcome);
  }

  /** Sync, Query and FunctionCall: what ReadyForQuery answers. */
  #endSegment(server: ServerState): void {
    server.segmentOpen = false;
    this.#segment += 1;
    // Settings that are refused have all skipped up to a Sync, and no further.
    if (server.settingsUnderWay) this.#drainFirst = true;
  }

  #mustDrain(server: ServerState): boolean {
    if (server.expected.size === 0) this.#drainFirst = false;
    return this.#drainFirst || server.expected.full;
  }

  #stopFor(reason: number): false {
    this.#stop = reason;
    this.#server?.retry.interrupt();
    return false;
  }

  /** Stops until nothing is owed. Without a Flush, the server would keep replies until the Sync behind. */
  #stopForReplies(): false {
    const sink = this.#sink;
    if (this.#server?.segmentOpen === true && sink !== null)
      this.#out.insert(FLUSH, 0, FLUSH.length, sink);
    return this.#stopFor(STOP.needsReplies);
  }

  #violate(violation: string, detail?: string): false {
    return this.#end({ violation, detail });
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
    if (this.#ending === null) return accepted;
    tellEnding(this.#ending, this.#events);
    return accepted;
  }

  /** A mistake of ours. What was gathered must not go to whoever uses the writer next. */
  #abandon(error: unknown): never {
    this.#out.reset();
    throw error;
  }
}

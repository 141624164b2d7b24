/**
 * The messages of a client that has no server: what leaves no trace on one is answered here, and so
 * is what is refused because there is none to be had. All else waits for a server.
 */

import { CLOSE_COMPLETE } from "../../wire/backend/empty-replies.ts";
import { findNul, readText } from "../../wire/bytes.ts";
import { HEADER_BYTES, SMALL_MESSAGE_BYTES_MAX } from "../../wire/limits.ts";
import { FRONTEND, isSkippedToSync } from "../../wire/message-type.ts";
import type { ClientState } from "../client-state.ts";
import { OUTCOME, type Outcome } from "./message-outcome.ts";
import { READY_FOR_QUERY_IDLE } from "./ready-for-query-idle.ts";
import type { ByteSink } from "./run-writer.ts";
import { OF_STATEMENT } from "./statement-messages.ts";

export class UnservedMessages {
  readonly #client: ClientState;
  /** Whether the client's names are kept here, so that a Close needs no server. */
  readonly #translates: boolean;
  readonly #replies: ByteSink;
  /** The ErrorResponse for the next message that needs a server. */
  #refusal: Uint8Array | null = null;
  /** After a refusal, all is ignored up to the next Sync, as PostgreSQL does after an error. */
  #skipping = false;

  /** @param replies where answers go */
  constructor(client: ClientState, translates: boolean, replies: ByteSink) {
    this.#client = client;
    this.#translates = translates;
    this.#replies = replies;
  }

  /** Whether nobody else may be telling the client something: else all waits for a server. */
  answersAlone = true;

  /** Whether what comes is ignored up to the next Sync. */
  get skipping(): boolean {
    return this.#skipping;
  }

  /** There is no server for the next message that needs one: it is answered with this ErrorResponse. */
  refuseNext(errorResponse: Uint8Array): void {
    this.#refusal = errorResponse;
  }

  /** Deals with the message in `bytes[start, end)`, of which more may be to come. */
  onMessage(
    type: number,
    bytes: Uint8Array,
    start: number,
    end: number,
    messageEnd: number,
  ): Outcome {
    if (this.#skipping && isSkippedToSync(type)) return OUTCOME.taken;
    switch (type) {
      case FRONTEND.Sync:
        if (messageEnd - start > HEADER_BYTES) return OUTCOME.invalidFormat;
        if (!this.answersAlone) return OUTCOME.needsServer;
        this.#skipping = false;
        this.#reply(READY_FOR_QUERY_IDLE);
        return OUTCOME.taken;
      case FRONTEND.Close:
        if (!this.#translates || !this.answersAlone) return this.#needServer(type);
        return this.#close(bytes, start, end, messageEnd);
      case FRONTEND.Flush: // there is nothing to flush
        return messageEnd - start > HEADER_BYTES ? OUTCOME.invalidFormat : OUTCOME.taken;
      // PostgreSQL ignores COPY data where no COPY is under way.
      case FRONTEND.CopyData:
      case FRONTEND.CopyDone:
      case FRONTEND.CopyFail:
        return OUTCOME.taken;
      case FRONTEND.Terminate:
        return OUTCOME.terminated;
      case FRONTEND.Parse:
      case FRONTEND.Bind:
      case FRONTEND.Describe:
      case FRONTEND.Execute:
      case FRONTEND.Query:
      case FRONTEND.FunctionCall:
        return this.#needServer(type);
      default:
        return OUTCOME.invalidType;
    }
  }

  #needServer(type: number): Outcome {
    const errorResponse = this.#refusal;
    if (errorResponse === null) return OUTCOME.needsServer;
    this.#refusal = null;
    this.#reply(errorResponse);
    const wholeRequest = type === FRONTEND.Query || type === FRONTEND.FunctionCall;
    if (wholeRequest) this.#reply(READY_FOR_QUERY_IDLE);
    else this.#skipping = true;
    return OUTCOME.taken;
  }

  #close(bytes: Uint8Array, start: number, end: number, messageEnd: number): Outcome {
    if (messageEnd - start > SMALL_MESSAGE_BYTES_MAX) return OUTCOME.invalidLength;
    const nameStart = start + HEADER_BYTES + 1;
    const nameEnd = findNul(bytes, nameStart, end);
    if (nameEnd < 0) return OUTCOME.invalidFormat;
    if (bytes[start + HEADER_BYTES] === OF_STATEMENT) {
      if (nameStart === nameEnd) this.#client.unnamedParse = null;
      const statements = this.#client.statements;
      const change = statements.close(readText(bytes, nameStart, nameEnd));
      if (change !== null) statements.confirmClose(change);
    }
    this.#reply(CLOSE_COMPLETE);
    return OUTCOME.taken;
  }

  #reply(message: Uint8Array): void {
    this.#replies.write(message, 0, message.length);
  }
}

/**
 * The protocol of a connection on which nothing but a tenant's `auth_query` runs. Pure: bytes in, bytes and outcomes
 * out. Runs are pipelined, each with a Sync of its own, so that one that fails disturbs no other. The name goes as
 * `$1` of the extended protocol, never into the text. At most two rows are asked for, and no message is read that is
 * longer than any right answer: a hostile result costs nothing.
 */

import { PoolerError } from "../../base/pooler-error.ts";
import { SQLSTATE } from "../../base/sqlstate.ts";
import type { ErrorFields } from "../../wire/backend/error-fields.ts";
import { readErrorResponse } from "../../wire/backend/error-response.ts";
import { readReadyForQuery, TRANSACTION_STATUS } from "../../wire/backend/ready-for-query.ts";
import { ByteWriter } from "../../wire/byte-writer.ts";
import { writeBind } from "../../wire/frontend/bind.ts";
import { writeDescribe } from "../../wire/frontend/describe.ts";
import { SYNC } from "../../wire/frontend/empty-requests.ts";
import { writeExecute } from "../../wire/frontend/execute.ts";
import { writeParse } from "../../wire/frontend/parse.ts";
import { writeQuery } from "../../wire/frontend/query.ts";
import { BACKEND } from "../../wire/message-type.ts";
import { type FrameHandler, MessageFramer } from "../message-framer.ts";
import { AuthQueryConnectionError } from "./auth-query-errors.ts";
import { type AuthQueryOutcome, AuthQueryReply } from "./auth-query-reply.ts";

/** A row has a name of 63 bytes and a secret of some 150, a RowDescription or an error is below 2 KB. */
const MESSAGE_BYTES_MAX = 16_384;
/** Of all messages of one run. */
const REPLY_BYTES_MAX = 65_536;
/** The second one tells that there are too many. */
const ROWS_MAX = 2;
const TEXT_OID = 25;

export interface AuthQueryStreamEvents {
  send(bytes: Uint8Array): void;
  /**
   * The connection is of no use any more; runs without an outcome will have none.
   * @param hostile it is what the query returned: running it again would end as this did
   */
  onBroken(error: PoolerError, hostile: boolean): void;
}

/** A run whose ReadyForQuery is to come. */
interface Run {
  /** Null: the settings in front of all others. */
  readonly reply: AuthQueryReply | null;
  readonly onOutcome: (outcome: AuthQueryOutcome) => void;
  bytes: number;
}

export class AuthQueryStream implements FrameHandler {
  readonly #events: AuthQueryStreamEvents;
  readonly #framer = new MessageFramer(this, MESSAGE_BYTES_MAX, 0);
  /** In the order in which they were sent. */
  readonly #runs: Run[] = [];
  #broken = false;

  constructor(events: AuthQueryStreamEvents) {
    this.#events = events;
  }

  /** How many runs have no outcome yet. */
  get pending(): number {
    return this.#runs.length;
  }

  /**
   * The first step: nothing on this connection writes, or runs for longer than `timeoutMs`, whatever the role's
   * own settings are, and names are sent in UTF-8, whatever the database's encoding is.
   */
  start(timeoutMs: number): void {
    const writer = new ByteWriter();
    writeQuery(
      writer,
      `SET SESSION CHARACTERISTICS AS TRANSACTION READ ONLY; SET statement_timeout = ${Math.ceil(timeoutMs)}; SET client_encoding = 'UTF8'`,
    );
    this.#runs.push({ reply: null, onOutcome: ignore, bytes: 0 });
    this.#events.send(writer.take());
  }

  /** Runs `query` for `role`. `onOutcome` is called once, unless the stream breaks first. */
  run(query: string, role: string, onOutcome: (outcome: AuthQueryOutcome) => void): void {
    const writer = new ByteWriter();
    writeParse(writer, { statement: "", query, parameterTypeOids: [TEXT_OID] });
    writeBind(writer, {
      portal: "",
      statement: "",
      parameterFormats: [],
      parameters: [role],
      resultFormats: [],
    });
    writeDescribe(writer, { kind: "portal", name: "" });
    writeExecute(writer, "", ROWS_MAX);
    writer.bytes(SYNC);
    this.#runs.push({ reply: new AuthQueryReply(role), onOutcome, bytes: 0 });
    this.#events.send(writer.take());
  }

  /** Reads what the server sent. */
  feed(chunk: Uint8Array): void {
    if (!this.#broken) this.#framer.feed(chunk);
  }

  neededBytes(_type: number, messageBytes: number): number {
    return messageBytes;
  }

  onMessage(type: number, bytes: Uint8Array, start: number, end: number): boolean {
    if (this.#broken) return true;
    try {
      this.#dispatch(type, bytes, start, end);
    } catch (error) {
      if (!(error instanceof PoolerError)) throw error;
      this.#break(error);
    }
    return true;
  }

  onContinuation(): void {
    // Every message is read whole, or breaks the stream.
  }

  onMalformed(_type: number, messageBytes: number): void {
    this.#break(
      new AuthQueryStreamError(
        `It sent a message of ${messageBytes} bytes; an answer has at most ${MESSAGE_BYTES_MAX}.`,
      ),
    );
  }

  #dispatch(type: number, bytes: Uint8Array, start: number, end: number): void {
    switch (type) {
      case BACKEND.NoticeResponse:
      case BACKEND.NotificationResponse:
      case BACKEND.ParameterStatus:
        return this.#count(end - start);
      case BACKEND.ReadyForQuery:
        return this.#onReady(bytes, start, end);
      default:
        return this.#onReplyMessage(type, bytes, start, end);
    }
  }

  #onReplyMessage(type: number, bytes: Uint8Array, start: number, end: number): void {
    const run = this.#runs[0];
    const isError = type === BACKEND.ErrorResponse;
    // An error that nobody asked for, or that the settings met, is why the connection ends.
    if (isError && (run === undefined || run.reply === null))
      return this.#break(new AuthQueryEndedError(readErrorResponse(bytes, start, end)));
    this.#count(end - start);
    if (run?.reply === null && type === BACKEND.CommandComplete) return;
    if (run?.reply?.onMessage(type, bytes, start, end) !== true)
      throw new AuthQueryStreamError("It sent a message that has no place in an answer.");
  }

  #onReady(bytes: Uint8Array, start: number, end: number): void {
    const run = this.#runs.shift();
    if (run === undefined)
      throw new AuthQueryStreamError("It sent an answer that nobody asked for.");
    if (readReadyForQuery(bytes, start, end) !== TRANSACTION_STATUS.Idle)
      throw new AuthQueryStreamError("The query left a transaction open.");
    if (run.reply !== null) run.onOutcome(run.reply.outcome());
  }

  /** What comes between two runs is too little to count. */
  #count(bytes: number): void {
    const run = this.#runs[0];
    if (run === undefined) return;
    run.bytes += bytes;
    if (run.bytes > REPLY_BYTES_MAX)
      throw new AuthQueryStreamError(`Its answer had more than ${REPLY_BYTES_MAX} bytes.`);
  }

  #break(error: PoolerError): void {
    if (this.#broken) return;
    this.#broken = true;
    const hostile = !(error instanceof AuthQueryEndedError);
    this.#events.onBroken(new AuthQueryConnectionError(error), hostile);
  }
}

/** The server sent what is no answer to an `auth_query`. */
export class AuthQueryStreamError extends PoolerError {
  constructor(detail: string) {
    super({
      severity: "FATAL",
      sqlstate: SQLSTATE.connection_failure,
      message: "the server's answer cannot be read",
      detail,
      logText: `the server's answer cannot be read: ${detail}`,
    });
  }
}

/** The server said why it ends the connection. */
export class AuthQueryEndedError extends PoolerError {
  constructor({ sqlstate, message }: ErrorFields) {
    super({
      severity: "FATAL",
      sqlstate: sqlstate ?? SQLSTATE.connection_failure,
      message: message ?? "the server closed the connection",
    });
  }
}

function ignore(): void {
  // The settings are in force: nobody waits for that.
}

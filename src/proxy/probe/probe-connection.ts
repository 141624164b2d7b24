/**
 * A logged-in connection to a tenant's PostgreSQL that asks one question after the other: for who looks
 * into what is wrong. No client's query ever runs here.
 */

import { assert } from "../../base/assert.ts";
import type { Clock, Timer } from "../../base/clock.ts";
import { PoolerError } from "../../base/pooler-error.ts";
import type { ChannelHandler } from "../../net/channel.ts";
import type { Transport } from "../../net/transport.ts";
import { type FrameHandler, MessageFramer } from "../../session/message-framer.ts";
import { readDataRow } from "../../wire/backend/data-row.ts";
import type { ErrorFields } from "../../wire/backend/error-fields.ts";
import { readErrorResponse } from "../../wire/backend/error-response.ts";
import { readRowDescription } from "../../wire/backend/row-description.ts";
import { ByteWriter } from "../../wire/byte-writer.ts";
import { writeBind } from "../../wire/frontend/bind.ts";
import { writeDescribe } from "../../wire/frontend/describe.ts";
import { SYNC, TERMINATE } from "../../wire/frontend/empty-requests.ts";
import { writeExecute } from "../../wire/frontend/execute.ts";
import { writeParse } from "../../wire/frontend/parse.ts";
import { BACKEND } from "../../wire/message-type.ts";
import {
  ProbeClosedError,
  ProbeProtocolError,
  ProbeQueryError,
  ProbeTimeoutError,
} from "./probe-errors.ts";

/** The answer to a query, all values in text format. */
export interface ProbeRows {
  readonly columns: readonly string[];
  readonly rows: readonly (readonly (string | null)[])[];
}

/** A row may be large that an operator's `auth_query` returns; no answer here needs more. */
const MESSAGE_BYTES_MAX = 1_048_576;
const ROWS_MAX = 1000;

interface Question {
  readonly promise: PromiseWithResolvers<ProbeRows>;
  readonly deadline: Timer;
  readonly rows: (string | null)[][];
  columns: string[];
  error: ErrorFields | null;
}

export class ProbeConnection implements ChannelHandler, FrameHandler, AsyncDisposable {
  readonly #transport: Transport;
  readonly #clock: Clock;
  readonly #timeoutMs: number;
  readonly #framer = new MessageFramer(this, MESSAGE_BYTES_MAX, 0);
  readonly #over = Promise.withResolvers<void>();
  #question: Question | null = null;

  /** Takes `transport` over, on which the server is ready for queries. Each has `timeoutMs`. */
  constructor(transport: Transport, clock: Clock, timeoutMs: number) {
    this.#transport = transport;
    this.#clock = clock;
    this.#timeoutMs = timeoutMs;
    transport.handler = this;
  }

  /** Runs one statement. Rejects with a ProbeQueryError, which leaves the connection as it was, or with another PoolerError, which ends it. */
  query(sql: string, values: readonly (string | null)[] = []): Promise<ProbeRows> {
    assert(this.#question === null, "a probe asks one question at a time");
    if (this.#transport.closed) return Promise.reject(new ProbeClosedError());
    const promise = Promise.withResolvers<ProbeRows>();
    const deadline = this.#clock.after(this.#timeoutMs, () => {
      this.#fail(new ProbeTimeoutError(this.#timeoutMs));
    });
    this.#question = { promise, deadline, rows: [], columns: [], error: null };
    this.#send((writer) => {
      writeParse(writer, { statement: "", query: sql, parameterTypeOids: [] });
      writeBind(writer, {
        portal: "",
        statement: "",
        parameterFormats: [],
        parameters: values,
        resultFormats: [],
      });
      writeDescribe(writer, { kind: "portal", name: "" });
      writeExecute(writer, "", ROWS_MAX);
      writer.bytes(SYNC);
    });
    return promise.promise;
  }

  /** Says goodbye; resolves when PostgreSQL has closed, so that it counts this connection no more. */
  async [Symbol.asyncDispose](): Promise<void> {
    if (!this.#transport.closed) {
      this.#send((writer) => writer.bytes(TERMINATE));
      this.#transport.close();
    }
    await this.#over.promise;
  }

  onBytes(bytes: Uint8Array): void {
    this.#framer.feed(bytes);
  }

  onDrained(): void {
    // Nothing here is so long that it would wait.
  }

  onClosed(): void {
    this.#over.resolve();
    this.#answer(({ promise, error }) => {
      promise.reject(error === null ? new ProbeClosedError() : new ProbeQueryError(error));
    });
  }

  neededBytes(_type: number, messageBytes: number): number {
    return messageBytes;
  }

  onMessage(type: number, bytes: Uint8Array, start: number, end: number): boolean {
    try {
      this.#read(type, bytes, start, end);
    } catch (error) {
      if (!(error instanceof PoolerError)) throw error;
      this.#fail(new ProbeProtocolError());
    }
    return true;
  }

  onContinuation(): void {
    assert(false, "every message of a probe is read whole");
  }

  onMalformed(): void {
    this.#fail(new ProbeProtocolError());
  }

  #read(type: number, bytes: Uint8Array, start: number, end: number): void {
    const question = this.#question;
    if (question === null) return;
    switch (type) {
      case BACKEND.RowDescription:
        question.columns = readRowDescription(bytes, start, end).map(({ name }) => name);
        return;
      case BACKEND.DataRow:
        question.rows.push(readDataRow(bytes, start, end).map(textOf));
        return;
      case BACKEND.ErrorResponse:
        question.error ??= readErrorResponse(bytes, start, end);
        return;
      case BACKEND.ReadyForQuery:
        return this.#conclude();
      default:
      // Notices, and the empty replies of the extended protocol.
    }
  }

  #conclude(): void {
    this.#answer(({ promise, columns, rows, error }) => {
      if (error === null) promise.resolve({ columns, rows });
      else promise.reject(new ProbeQueryError(error));
    });
  }

  #fail(error: PoolerError): void {
    this.#answer((question) => question.promise.reject(error));
    this.#transport.destroy();
  }

  #answer(tell: (question: Question) => void): void {
    const question = this.#question;
    if (question === null) return;
    this.#question = null;
    question.deadline.cancel();
    tell(question);
  }

  #send(write: (writer: ByteWriter) => void): void {
    const writer = new ByteWriter();
    write(writer);
    const bytes = writer.take();
    this.#transport.write(bytes, 0, bytes.length);
  }
}

function textOf(value: Uint8Array | null): string | null {
  return value === null ? null : Buffer.from(value).toString("utf8");
}

/**
 * The queries of ours on one server, one by one. One that may not start yet is put off; one that is over is told
 * when the chunk that its end came in is read: what stands behind might show that the server is broken.
 */

import { assert } from "../../base/assert.ts";
import { EXPECTED } from "../../session/relay/expected-reply.ts";
import type { ByteSink } from "../../session/relay/run-writer.ts";
import type { ServerState } from "../../session/server-state.ts";
import { ByteWriter } from "../../wire/byte-writer.ts";
import { writeQuery } from "../../wire/frontend/query.ts";
import { type OwnQueryResult, OwnQueryRun } from "./own-query-run.ts";

interface OwnQuery {
  readonly sql: string;
  readonly onResult: (result: OwnQueryResult) => void;
}

export class OwnQueries {
  readonly #state: ServerState;
  readonly #sink: ByteSink;
  #running: OwnQueryRun | null = null;
  #putOff: OwnQuery | null = null;
  /** The one that runs ended inside the present chunk. */
  #ended = false;

  /** @param sink where the server of `state` is sent bytes */
  constructor(state: ServerState, sink: ByteSink) {
    this.#state = state;
    this.#sink = sink;
  }

  /** Whether one was sent, and is not told yet. */
  get running(): boolean {
    return this.#running !== null;
  }

  /** Whether one runs, or is put off. */
  get underWay(): boolean {
    return this.#running !== null || this.#putOff !== null;
  }

  /** Sends a Query. Nothing may be owed. `onResult` is called once, unless the server is lost. */
  start(sql: string, onResult: (result: OwnQueryResult) => void): void {
    assert(!this.underWay, "queries of ours run one by one");
    assert(this.#state.expected.size === 0, "a query of ours waits for nobody's replies");
    this.#running = new OwnQueryRun(onResult);
    this.#state.expected.push(EXPECTED.ownQuery, null);
    const writer = new ByteWriter();
    writeQuery(writer, sql);
    const message = writer.take();
    this.#sink.write(message, 0, message.length);
  }

  /** As {@link start}, but not before {@link startPutOff}. */
  putOff(sql: string, onResult: (result: OwnQueryResult) => void): void {
    assert(!this.underWay, "queries of ours run one by one");
    this.#putOff = { sql, onResult };
  }

  /** Starts what was put off. Returns whether anything was. */
  startPutOff(): boolean {
    const query = this.#putOff;
    if (query === null) return false;
    this.#putOff = null;
    this.start(query.sql, query.onResult);
    return true;
  }

  /** Rows of the one that runs: whole DataRow messages in `bytes[start, end)`, valid during the call. */
  onRows(bytes: Uint8Array, start: number, end: number): void {
    this.#running?.onRows(bytes, start, end);
  }

  /** Its ErrorResponse, valid during the call. */
  onError(bytes: Uint8Array, start: number, end: number): void {
    this.#running?.onError(bytes, start, end);
  }

  /** Its ReadyForQuery. */
  onEnd(): void {
    this.#ended = true;
  }

  /** A chunk was read to its end: tells the result of the query that ended in it, if one did. */
  settle(): void {
    if (!this.#ended) return;
    const query = this.#running;
    this.#running = null;
    this.#ended = false;
    query?.finish();
  }
}

/**
 * A client went away and left its server in whatever state: in a transaction, in the middle of a
 * query, in a COPY. The server is brought back to how it was after its login, or ended.
 * Also the end of every client in session mode.
 */

import type { Timer } from "../../base/clock.ts";
import type { PoolerError } from "../../base/pooler-error.ts";
import { EXPECTED } from "../../session/relay/expected-reply.ts";
import { REFUSED_PARSE } from "../../session/statements/refused-parse.ts";
import { TRANSACTION_STATUS } from "../../wire/backend/ready-for-query.ts";
import { ByteWriter } from "../../wire/byte-writer.ts";
import { writeCopyFail } from "../../wire/frontend/copy-fail.ts";
import { SYNC } from "../../wire/frontend/empty-requests.ts";
import type { RelayScratch } from "./relay-scratch.ts";
import type { ServerConnection } from "./server-connection.ts";
import type { ServerHolder } from "./server-holder.ts";

/** How the client went. */
export interface Departure {
  /** Part of a message of the client was passed on, and its rest will never come. */
  readonly insideMessage: boolean;
  /** It said Terminate: what it asked for before is carried out, as by PostgreSQL. Else it is cancelled. */
  readonly orderly: boolean;
}

/** Longer than a cancel takes on most networks; what runs on after one may need a second one. */
const CANCEL_AGAIN_MS = 500;

/**
 * The longest rest of a message that is read for nobody: reading it costs the CPU of another connection,
 * some 10 ms. Of a row of a gigabyte no cancel saves anything.
 */
const REST_BYTES_MAX = 16 * 1024 ** 2;

/**
 * How many timeouts an answer may take that still comes after a cancel: what the network holds of it can be
 * much for a slow line. What comes for longer never ends.
 */
const TIMEOUTS_MAX = 6;

export class Recovery implements ServerHolder {
  /** It has nothing of its own to lose or to keep. */
  readonly served = false;
  readonly #server: ServerConnection;
  readonly #scratch: RelayScratch;
  readonly #timeoutMs: number;
  readonly #cancel: () => void;
  #deadline: Timer | null = null;
  #timeouts = 0;
  /** What had come from the server when the deadline began. */
  #receivedBytes = 0;
  #nextCancel: Timer | null = null;
  /** PostgreSQL has the beginning of a message, and can be told nothing more. */
  #insideMessage = false;
  #cancelsBefore = 0;
  #over = false;

  /**
   * @param timeoutMs so long a server that sends nothing is waited for, while it is not the client's query that
   *   takes long; then it is ended
   * @param cancel has PostgreSQL cancel what the server runs
   */
  constructor(
    server: ServerConnection,
    scratch: RelayScratch,
    timeoutMs: number,
    cancel: () => void,
  ) {
    this.#server = server;
    this.#scratch = scratch;
    this.#timeoutMs = timeoutMs;
    this.#cancel = cancel;
  }

  /** The first step. The client's hold is over already. */
  start({ insideMessage, orderly }: Departure): void {
    this.#server.setHolder(this);
    this.#insideMessage = insideMessage;
    this.#cancelsBefore = this.#server.cancelsSent;
    if (insideMessage && orderly) return this.#giveUp();
    // What came together with Terminate may have been answered by nobody yet.
    if (!insideMessage) this.#server.settle();
    if (!this.#server.usable) return this.#giveUp();
    if (!orderly) {
      this.#startDeadline();
      this.#cancelQuery();
    }
    this.onServerProgress();
  }

  onServerProgress(): void {
    const { state } = this.#server;
    if (this.#over || !this.#server.usable || this.#server.runsOwn) return;
    if (this.#insideMessage) return this.#awaitCancel();
    if (this.#server.remainingBytes > REST_BYTES_MAX) return this.#cutOff();
    this.#closeOpenEnds();
    if (state.expected.size > 0) return;
    // A ReadyForQuery more may come, in the middle of what would be asked now.
    if (state.copySyncs > 0) return this.#giveUp();
    this.#startDeadline();
    if (state.status === TRANSACTION_STATUS.Idle) this.#discardAll();
    else
      this.#server.runOwn("ROLLBACK", ({ error }) =>
        error === null ? this.#discardAll() : this.#giveUp(),
      );
  }

  onServerDrained(): void {
    // Nothing of the client's is sent any more.
  }

  onServerLost(_error: PoolerError): void {
    this.#finish();
  }

  /** A server that is closed while it runs a query runs it to its end, and its place in the pool is free. */
  #awaitCancel(): void {
    const { state, key, cancelling, cancelsSent } = this.#server;
    const nothingRuns = state.expected.size === 0 || key === null;
    if (!cancelling && (nothingRuns || cancelsSent > this.#cancelsBefore)) this.#giveUp();
  }

  /** Ends a COPY and a pipeline that waits for its Sync, so that the server comes to rest. */
  #closeOpenEnds(): void {
    const { state } = this.#server;
    if (state.copyingIn) this.#failCopy();
    if (!state.segmentOpen && !state.skipping) return;
    // Without its Sync a pipeline is not committed, so it must fail before it gets one from us.
    if (!state.skipping) this.#failSegment();
    state.expected.push(EXPECTED.ownSync, null);
    state.segmentOpen = false;
    state.skipping = false;
    this.#server.send(SYNC);
  }

  #failCopy(): void {
    const writer = new ByteWriter();
    writeCopyFail(writer, "client disconnected");
    this.#server.send(writer.take());
    this.#server.state.copyingIn = false;
  }

  #failSegment(): void {
    this.#server.state.expected.push(EXPECTED.refused, null);
    this.#server.send(REFUSED_PARSE);
  }

  /** Again and again: a cancel that comes before PostgreSQL has begun with the query does nothing. */
  #cancelQuery(): void {
    if (!this.#server.runsOwn) this.#cancel();
    this.#nextCancel = this.#scratch.clock.after(CANCEL_AGAIN_MS, () => this.#cancelQuery());
  }

  #startDeadline(): void {
    this.#deadline ??= this.#nextDeadline();
  }

  #nextDeadline(): Timer {
    this.#receivedBytes = this.#server.receivedBytes;
    return this.#scratch.clock.after(this.#timeoutMs, () => this.#onDeadline());
  }

  #onDeadline(): void {
    const sends = this.#server.receivedBytes > this.#receivedBytes;
    this.#timeouts += 1;
    if (!sends) this.#giveUp();
    else if (this.#timeouts < TIMEOUTS_MAX) this.#deadline = this.#nextDeadline();
    else this.#cutOff();
  }

  #discardAll(): void {
    const server = this.#server;
    server.runOwn("DISCARD ALL", ({ error }) => {
      if (error !== null || !server.clean) return this.#giveUp();
      const { state } = server;
      state.statements.clear();
      state.residue = 0;
      state.mayPin = 0;
      state.adoptSettings(state.noSettings);
      this.#finish();
      server.endHold();
      server.handBack();
    });
  }

  /** Without a word: PostgreSQL sees the end of the stream once it is done with what came before. */
  #abandon(): void {
    this.#finish();
    this.#server.endHold();
    this.#server.abandon();
  }

  #cutOff(): void {
    this.#finish();
    this.#server.endHold();
    this.#server.cutOff();
  }

  #giveUp(): void {
    if (this.#over) return;
    if (this.#insideMessage) return this.#abandon();
    this.#finish();
    this.#server.endHold();
    this.#server.end();
  }

  #finish(): void {
    this.#over = true;
    this.#deadline?.cancel();
    this.#nextCancel?.cancel();
  }
}

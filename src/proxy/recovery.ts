/**
 * A client went away and left its server in whatever state: in a transaction, in the middle of a
 * query, in a COPY. The server is brought back to how it was after its login, or ended.
 * Also the end of every client in session mode.
 */

import type { Timer } from "../base/clock.ts";
import type { PoolerError } from "../base/pooler-error.ts";
import { EXPECTED } from "../session/expected-reply.ts";
import { TRANSACTION_STATUS } from "../wire/backend/ready-for-query.ts";
import { ByteWriter } from "../wire/byte-writer.ts";
import { writeCopyFail } from "../wire/frontend/copy-fail.ts";
import { SYNC } from "../wire/frontend/empty-requests.ts";
import type { RelayScratch } from "./relay-scratch.ts";
import type { ServerConnection, ServerHolder } from "./server-connection.ts";

/** How a server is recovered. */
export interface RecoveryOptions {
  readonly scratch: RelayScratch;
  /** The whole recovery; after that the server is ended. */
  readonly timeoutMs: number;
}

export class Recovery implements ServerHolder {
  readonly #server: ServerConnection;
  readonly #deadline: Timer;
  #over = false;

  constructor(server: ServerConnection, options: RecoveryOptions) {
    this.#server = server;
    this.#deadline = options.scratch.clock.after(options.timeoutMs, () => this.#giveUp());
  }

  /**
   * The first step. The client's hold is over already.
   * @param insideMessage part of a message of the client was passed on, and its rest will never come
   */
  start(insideMessage: boolean): void {
    this.#server.setHolder(this);
    if (insideMessage || !this.#server.usable) return this.#giveUp();
    this.#closeOpenEnds();
    this.onServerProgress();
  }

  onServerProgress(): void {
    const { state } = this.#server;
    if (this.#over || !this.#server.usable || state.expected.size > 0) return;
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

  /** Ends a COPY and a pipeline that waits for its Sync, so that the server comes to rest. */
  #closeOpenEnds(): void {
    const { state } = this.#server;
    if (state.copyingIn) {
      const writer = new ByteWriter();
      writeCopyFail(writer, "client disconnected");
      this.#server.send(writer.take());
      state.copyingIn = false;
    }
    if (!state.segmentOpen && !state.skipping) return;
    state.expected.push(EXPECTED.ownSync, null);
    state.segmentOpen = false;
    state.skipping = false;
    this.#server.send(SYNC);
  }

  #discardAll(): void {
    const server = this.#server;
    server.runOwn("DISCARD ALL", ({ error }) => {
      if (error !== null || !server.clean) return this.#giveUp();
      const { state } = server;
      state.statements.clear();
      state.residue = 0;
      state.adoptSettings(state.noSettings);
      this.#finish();
      server.endHold();
      server.handBack();
    });
  }

  #giveUp(): void {
    if (this.#over) return;
    this.#finish();
    this.#server.endHold();
    this.#server.end();
  }

  #finish(): void {
    this.#over = true;
    this.#deadline.cancel();
  }
}

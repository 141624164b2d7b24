/**
 * One connection to PostgreSQL: opened, logged in, lent to one client at a time, cleaned, ended.
 * What its pool counts as one slot, from the first packet until PostgreSQL has really closed it.
 */

import { assert } from "../../base/assert.ts";
import type { Timer } from "../../base/clock.ts";
import { PoolerError } from "../../base/pooler-error.ts";
import type { Channel, ChannelHandler } from "../../net/channel.ts";
import type { Transport } from "../../net/transport.ts";
import { PoolSlot } from "../../pool/pool-slot.ts";
import type { Ticker } from "../../pool/ticker.ts";
import type { ClientState } from "../../session/client-state.ts";
import { BackendRelay } from "../../session/relay/backend-relay.ts";
import type { BackendRelayEvents } from "../../session/relay/backend-relay-events.ts";
import { NO_CANCEL, type ServerState } from "../../session/server-state.ts";
import type { ErrorFields } from "../../wire/backend/error-fields.ts";
import type { CancelKey } from "../../wire/cancel-key.ts";
import { TERMINATE } from "../../wire/frontend/empty-requests.ts";
import {
  InternalError,
  ServerDesyncError,
  ServerLostError,
  SettingsRefusedError,
} from "../proxy-errors.ts";
import { AnswerDeadline } from "./answer-deadline.ts";
import { OwnQueries } from "./own-queries.ts";
import type { OwnQueryResult } from "./own-query-run.ts";
import type { RelayScratch } from "./relay-scratch.ts";
import type { ServerHolder } from "./server-holder.ts";

/** What a server asks of the pool that it belongs to. */
export interface ServerOwner {
  readonly ticker: Ticker;
  /** Nothing is owed and no cancel is under way: it can be lent again. */
  onServerClean(server: ServerConnection): void;
  /** It is of no use any more and will end by itself; its slot stays taken. */
  onServerEnding(server: ServerConnection): void;
  /** It is really closed. */
  onServerGone(server: ServerConnection): void;
  /** A bug of ours was met while its bytes were read. */
  onFault(error: PoolerError): void;
  /** The server sent what it did not owe. */
  onDesync(server: ServerConnection, error: PoolerError): void;
}

/** After Terminate, PostgreSQL has this long to close; a backend that runs a query notices it late. */
const TERMINATE_TIMEOUT_MS = 30_000;

type Phase = "ready" | "ending" | "gone";

export class ServerConnection implements ChannelHandler, BackendRelayEvents {
  readonly slot: PoolSlot<ServerConnection> = new PoolSlot<ServerConnection>(this);
  readonly state: ServerState;
  readonly transport: Transport;
  /** Null: the server gave no key, and its queries can't be cancelled. */
  readonly key: CancelKey | null;
  /** Which of its pool's recipes it was opened by. */
  readonly generation: number;
  /** How much has come from it so far: shows that it still sends. */
  receivedBytes = 0;
  readonly #owner: ServerOwner;
  readonly #relay: BackendRelay;
  readonly #scratch: RelayScratch;
  readonly #ownQueries: OwnQueries;
  /** For the answer to a query of ours, and for settings to be taken. */
  readonly #answerDeadline: AnswerDeadline;
  #phase: Phase = "ready";
  #holder: ServerHolder | null = null;
  /** Its client's, and whether that was told that it has the beginning of a message. */
  #channel: Channel | null = null;
  #saidInside = false;
  #cancelsUnderWay = 0;
  #cancelsSent = 0;
  /** It is to go back to its pool as soon as that is safe. */
  #handBackPending = false;
  /** A cancel was sent, and nobody knows when or whether it will strike. */
  #cancelUncertain = false;
  #lossFields: ErrorFields | null = null;
  /** The client has its FATAL. */
  #lossTold = false;
  /** Why it does not take the settings that were sent in front of its client's message. */
  #settingsRefusal: ErrorFields | null = null;
  /** Its holder was served when it said that it ends. */
  #spent = false;
  #endTimer: Timer | null = null;

  constructor(
    transport: Transport,
    key: CancelKey | null,
    state: ServerState,
    generation: number,
    owner: ServerOwner,
    scratch: RelayScratch,
  ) {
    this.transport = transport;
    this.key = key;
    this.state = state;
    this.generation = generation;
    this.#owner = owner;
    this.#scratch = scratch;
    this.#relay = new BackendRelay(state, scratch.toClient, this);
    this.#ownQueries = new OwnQueries(state, transport);
    this.#answerDeadline = new AnswerDeadline(owner.ticker, transport);
    transport.handler = this;
  }

  /** Whether it can be lent and used. */
  get usable(): boolean {
    return this.#phase === "ready" && !this.state.broken;
  }

  /** Whether nothing is owed, open or half read: another client may have it. */
  get clean(): boolean {
    return this.state.clean && !this.#relay.insideMessage;
  }

  /** Whether its client has the beginning of a reply and not its end: nothing else may be sent to it. */
  get insideReply(): boolean {
    return this.#relay.insideReply;
  }

  /** How many bytes of the reply under way are still to come. */
  get remainingBytes(): number {
    return this.#relay.remainingBytes;
  }

  /** A client takes it: replies go to `channel` from now on; null: to nobody, but for those to queries of ours. */
  beginHold(holder: ServerHolder, client: ClientState, channel: Channel | null): void {
    assert(this.#holder === null, "a server has one holder at a time");
    this.#holder = holder;
    this.#channel = channel;
    this.#saidInside = false;
    this.state.beginHold();
    this.#relay.setClient(client, channel);
  }

  /** Its client lets it go: replies that still come are read and dropped. */
  endHold(): void {
    this.#holder = null;
    this.#channel = null;
    this.#relay.setClient(null, null);
    this.transport.resume();
  }

  /** What its client has got ends inside a message now, or does no more. */
  #sayInside(): void {
    this.#saidInside = this.#relay.insideReply;
    if (this.#channel !== null) this.#channel.insideMessage = this.#saidInside;
  }

  isHeldBy(holder: ServerHolder): boolean {
    return this.#holder === holder;
  }

  /** Somebody else looks after it: the end of a hold is a matter of several steps. */
  setHolder(holder: ServerHolder): void {
    this.#holder = holder;
  }

  /** Sends the replies that are ours, where nothing of the server's stands before them. */
  settle(): void {
    this.#relay.settle();
  }

  /**
   * Runs a Query of ours, as soon as no cancel is under way: one that was meant for the client's query
   * and comes late must not strike ours. Nothing may be owed. `onResult` is called once, unless the
   * server is lost.
   */
  runOwn(sql: string, onResult: (result: OwnQueryResult) => void): void {
    if (this.#cancelsUnderWay > 0) this.#ownQueries.putOff(sql, onResult);
    else this.#ownQueries.start(sql, onResult);
  }

  /** As {@link runOwn}, on a server that may be dead: without an answer in time it is closed, and lost. */
  tryOwn(sql: string, timeoutMs: number, onResult: (result: OwnQueryResult) => void): void {
    this.#answerDeadline.begin(timeoutMs);
    this.runOwn(sql, (result) => {
      this.#answerDeadline.end();
      onResult(result);
    });
  }

  /** Settings are under way to it: without an answer in time it is closed, and lost. */
  awaitSettings(timeoutMs: number): void {
    if (this.state.settingsUnderWay) this.#answerDeadline.begin(timeoutMs);
  }

  /** Whether a query of ours runs, or waits for the end of a cancel. */
  get runsOwn(): boolean {
    return this.#ownQueries.underWay;
  }

  /** Sends bytes of ours. */
  send(bytes: Uint8Array): void {
    this.transport.write(bytes, 0, bytes.length);
  }

  /**
   * Gives it back to its pool, as soon as no cancel is under way that might hit the next client, and
   * no notice or parameter is here in part.
   */
  handBack(): void {
    assert(this.state.clean, "a server goes back only when nothing is owed");
    if (this.#cancelUncertain) return this.end();
    this.#handBackPending = this.#cancelsUnderWay > 0 || this.#relay.insideMessage;
    if (!this.#handBackPending) this.#owner.onServerClean(this);
  }

  /** Whether a CancelRequest is on its way. */
  get cancelling(): boolean {
    return this.#cancelsUnderWay > 0;
  }

  /** A CancelRequest for what it runs is on its way. */
  beginCancel(): void {
    this.#cancelsUnderWay += 1;
    this.state.cancelTarget = this.state.sequence;
  }

  /** How many CancelRequests PostgreSQL has got for it. */
  get cancelsSent(): number {
    return this.#cancelsSent;
  }

  /** PostgreSQL is done with it, or has not got it; `uncertain`: nobody knows when or whether it will strike. */
  endCancel(outcome: "sent" | "unsent" | "uncertain"): void {
    this.#cancelsUnderWay -= 1;
    if (outcome === "sent") this.#cancelsSent += 1;
    if (outcome === "uncertain") this.#cancelUncertain = true;
    if (this.#cancelsUnderWay > 0) return;
    this.state.cancelTarget = NO_CANCEL;
    if (!this.usable) return;
    if (this.#ownQueries.startPutOff()) return;
    if (this.#handBackPending) this.#handBackIfClean();
    else this.#holder?.onServerProgress();
  }

  #handBackIfClean(): void {
    if (this.#cancelsUnderWay === 0 && this.usable && this.clean) this.handBack();
  }

  /** Ends it in good order: Terminate, then PostgreSQL closes. */
  end(): void {
    if (this.#phase !== "ready") return;
    this.#enter("ending");
    this.#owner.onServerEnding(this);
    this.send(TERMINATE);
    this.transport.resume();
    this.#endTimer = this.#scratch.clock.after(TERMINATE_TIMEOUT_MS, () =>
      this.transport.destroy(),
    );
  }

  /** Ends it where Terminate would be read as part of a message: PostgreSQL sees the end of the stream. */
  abandon(): void {
    if (this.#phase !== "ready") return;
    this.#enter("ending");
    this.#owner.onServerEnding(this);
    this.transport.close();
  }

  /**
   * Ends it in the middle of what it sends: a backend that can't send on, ends. One that computes would
   * not notice before it sends or reads.
   */
  cutOff(): void {
    if (this.#phase !== "ready") return;
    this.#enter("ending");
    this.#owner.onServerEnding(this);
    this.transport.destroy();
  }

  onBytes(bytes: Uint8Array): void {
    if (this.#phase === "ending") return;
    try {
      this.#read(bytes);
    } catch (fault) {
      const error = new InternalError(fault);
      this.#owner.onFault(error);
      this.#lose(error, false);
      this.end();
    }
  }

  #read(bytes: Uint8Array): void {
    this.receivedBytes += bytes.length;
    const accepted = this.#relay.feed(bytes);
    if (this.#relay.insideReply !== this.#saidInside) this.#sayInside();
    if (this.state.broken) return this.#onBroken();
    if (this.#answerDeadline.running && !this.runsOwn && !this.state.settingsUnderWay)
      this.#answerDeadline.end();
    if (!accepted) this.transport.pause();
    this.#ownQueries.settle();
    this.#holder?.onServerProgress();
    if (this.#handBackPending) this.#handBackIfClean();
    else if (this.#holder === null) this.#endIfInsideMessage();
  }

  /** It rests in its pool, and may be lent before the message ends: its rest would reach the next client. */
  #endIfInsideMessage(): void {
    if (this.#relay.insideMessage) this.end();
  }

  onDrained(): void {
    this.#holder?.onServerDrained();
  }

  onClosed(): void {
    this.state.broken = true;
    if (this.#phase === "ready") this.#owner.onServerEnding(this);
    this.#enter("gone");
    this.#endTimer?.cancel();
    this.#answerDeadline.end();
    this.#lose(new ServerLostError(this.#lossFields), this.#lossTold);
    this.#relay.end();
    this.#owner.onServerGone(this);
  }

  onDesync(reason: string): void {
    const error = new ServerDesyncError(reason);
    this.#owner.onDesync(this, error);
    this.#lose(error, false);
  }

  onFatal(fields: ErrorFields): boolean {
    this.#lossFields = fields;
    this.#spent = this.#holder?.served === true;
    // Of a query of ours, also of one that is just over, its client knows nothing.
    this.#lossTold = !this.#spent && !this.#ownQueries.running;
    return this.#lossTold;
  }

  onOwnRows(bytes: Uint8Array, start: number, end: number): void {
    this.#ownQueries.onRows(bytes, start, end);
  }

  onOwnError(bytes: Uint8Array, start: number, end: number): void {
    this.#ownQueries.onError(bytes, start, end);
  }

  onOwnDone(): void {
    this.#ownQueries.onEnd();
  }

  onSettingsRefused(fields: ErrorFields): void {
    this.#settingsRefusal = fields;
  }

  /** It said FATAL, or what it should not have. Either way it runs nothing that we would have to wait for. */
  #onBroken(): void {
    if (this.#settingsRefusal !== null)
      this.#lose(new SettingsRefusedError(this.#settingsRefusal, false), false);
    if (this.#lossFields !== null)
      this.#lose(new ServerLostError(this.#lossFields), this.#lossTold);
    this.abandon();
  }

  #lose(error: PoolerError, toldByServer: boolean): void {
    const holder = this.#holder;
    const loss = toldByServer || this.insideReply ? "silent" : "unsaid";
    this.#holder = null;
    this.#relay.setClient(null, null);
    holder?.onServerLost(error, this.#spent ? "none" : loss);
  }

  #enter(phase: Phase): void {
    assert(
      LEGAL_MOVES[this.#phase].includes(phase),
      `a server does not go from ${this.#phase} to ${phase}`,
    );
    this.#phase = phase;
  }
}

const LEGAL_MOVES: Readonly<Record<Phase, readonly Phase[]>> = {
  ready: ["ending", "gone"],
  ending: ["gone"],
  gone: [],
};

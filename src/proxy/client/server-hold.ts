/**
 * One client's hold of a server, from asking its pool for one to giving it back:
 *
 *   none ── waiting ── fitting ── working ── checking in ── none
 *
 * Working, the server is the relay's. Now and then it is put aside and asked something that is none of the
 * client's: what binds the client to it, or to have the client's settings back. In session mode a hold has no end.
 * Left out: when the client is read, and what it is told of itself, which are its {@link HoldingClient}'s.
 */

import { assert } from "../../base/assert.ts";
import type { PoolerError } from "../../base/pooler-error.ts";
import type { Waiter } from "../../pool/waiter.ts";
import type { ClientState } from "../../session/client-state.ts";
import { HoldTexts } from "../../session/effects/hold-texts.ts";
import type { PinPermit } from "../../session/effects/pin-permit.ts";
import { ALL_PINS, pinReasons } from "../../session/effects/pin-reasons.ts";
import type { FrontendRelay } from "../../session/relay/frontend-relay.ts";
import { knownReply } from "../../session/relay/known-replies.ts";
import { STOP } from "../../session/relay/relay-owner.ts";
import { fitsInFront } from "../../session/settings/settings-batch.ts";
import { errorResponseOf } from "../../wire/backend/error-response.ts";
import type { Cancellable } from "../cancel/cancel-registry.ts";
import type { ServerPool } from "../pools/server-pool.ts";
import { QueryCanceledError } from "../proxy-errors.ts";
import type { ServerConnection } from "../server/server-connection.ts";
import type { Loss, ServerHolder } from "../server/server-holder.ts";
import { withSeverity } from "../with-severity.ts";
import { type CheckInClient, checkIn } from "./check-in.ts";
import { ClientPin, probePins } from "./client-pin.ts";
import type { HoldingClient } from "./holding-client.ts";
import { tellParameters } from "./parameter-news.ts";
import { PinnedServerLostError } from "./pin-errors.ts";
import { type FittingClient, fitServer, restoreSettings } from "./server-fitting.ts";
import { type LimitedSession, SessionDeadlines } from "./session-deadlines.ts";

export class ServerHold
  implements
    Waiter<ServerConnection>,
    ServerHolder,
    CheckInClient,
    FittingClient,
    PinPermit,
    LimitedSession,
    Cancellable
{
  readonly #session: HoldingClient;
  #server: ServerConnection | null = null;
  /** The server is asked for something that is ours, or the client's settings are being read from it. */
  #asking = false;
  /** Why it keeps its server, or may come to. Made at the first use. */
  #pin: ClientPin | null = null;
  /** A cancel came while settings were under way to the server in front of the query. */
  #cancelKeptBack = false;
  /** Made where one of its times is limited: an idle client costs nothing more. */
  #deadlines: SessionDeadlines | null = null;
  waitingSinceMs = 0;
  ticket = 0;
  queue: object | null = null;
  previous: Waiter<ServerConnection> | null = null;
  next: Waiter<ServerConnection> | null = null;

  constructor(session: HoldingClient) {
    this.#session = session;
  }

  get client(): ClientState {
    return this.#session.client;
  }

  /** What is held; null: none. */
  get server(): ServerConnection | null {
    return this.#server;
  }

  /** Whether nothing of the client's may move: it waits for a server, or something of ours is under way. */
  get blocked(): boolean {
    return this.#asking || this.queue !== null;
  }

  /** The client is in: its time counts from now on. */
  begin(): void {
    this.#limitTimes()?.idle();
  }

  /** Asks for a server. Told by {@link HoldingClient.onServerReady}, perhaps before this returns. */
  acquire(): void {
    const server = this.#pool.acquire(this);
    if (server !== null) this.#take(server);
    else if (this.queue !== null) this.#deadlines?.waiting();
  }

  /** The client's relay has read on. Returns whether the hold ends with that. */
  onRelayed(): boolean {
    const expected = this.#server?.state.expected;
    if (expected !== undefined && knownReply(expected.head, expected.headNote) !== null)
      this.#server?.settle();
    const server = this.#server;
    // What came last may have been the rest of a message that nothing is owed for.
    if (server !== null && !this.#asking && this.#mayCheckIn(server)) {
      this.#checkIn(server);
      return true;
    }
    this.#relay.settleCopySyncs();
    if (server === null) {
      if (this.#relay.stop === STOP.none) this.#deadlines?.idle();
    } else if (!this.#asking) this.#deadlines?.progress(server.state);
    return false;
  }

  /** Cancels what the server runs for the client, or what waits for one. */
  cancel(): void {
    if (this.queue !== null) return this.#cancelWaiting();
    if (this.#server === null || this.#asking) return;
    if (this.#server.state.settingsUnderWay) this.#cancelKeptBack = true;
    else this.#pool.cancel(this.#server);
  }

  cancelOverdue(error: PoolerError): void {
    if (this.#server === null || this.#asking) return this.end(error);
    this.#server.state.cancelError = errorResponseOf(error);
    this.cancel();
  }

  /** Ends the connection and its server, which is of no use to anybody else. */
  giveUp(error: PoolerError): void {
    const server = this.#server;
    const insideReply = server?.insideReply === true;
    const { insideMessage } = this.#relay;
    this.#server = null;
    this.#relay.setServer(null, null);
    server?.endHold();
    if (insideMessage) server?.abandon();
    else server?.end();
    if (insideReply) this.#session.endSilently();
    else this.end(error);
  }

  /** The client is gone: its server goes back when it owes nothing. @param orderly the client said Terminate */
  leave(orderly: boolean): void {
    this.#deadlines?.end();
    this.#pin?.release();
    if (this.queue !== null) this.#pool.forget(this);
    const server = this.#server;
    this.#server = null;
    if (server === null) return;
    const { insideMessage } = this.#relay;
    this.#relay.setServer(null, null);
    this.#pool.recover(server, { insideMessage, orderly });
  }

  prefers(server: ServerConnection): boolean {
    return server.state.settings === this.client.settings;
  }

  onGranted(server: ServerConnection): void {
    this.#take(server);
  }

  onRefused(error: PoolerError): void {
    if (this.#session.farewell !== null) return this.end(error);
    this.#refuse(withSeverity(error, "ERROR"));
  }

  onServerProgress(): void {
    const server = this.#server;
    if (server === null || this.#asking) return;
    if (server.state.retry.due) return this.#session.afterRelay(this.#relay.repeat(server.state));
    if (this.#cancelKeptBack && !server.state.settingsUnderWay) this.#cancelNow(server);
    const { farewell } = this.#session;
    if (farewell !== null && server.clean) return this.end(farewell);
    if (this.#mayCheckIn(server)) return this.#checkIn(server);
    if (this.#mustRestore(server)) return this.#restore(server);
    this.#relay.settleCopySyncs();
    this.#deadlines?.progress(server.state);
    this.#session.goOn();
  }

  onServerDrained(): void {
    this.#session.flow.unblock();
  }

  onServerLost(error: PoolerError, loss: Loss): void {
    const unused = this.#asking && this.#server?.state.restoring !== true;
    this.#server = null;
    this.#asking = false;
    this.#relay.setServer(null, null);
    this.#session.flow.unblock();
    const pins = this.#pin?.bits ?? 0;
    this.#pin?.release();
    if (unused) return this.#session.goOn(); // nothing of the client's has reached it: another one will do
    const { farewell } = this.#session;
    if (loss === "none") return farewell === null ? this.onSettingsKnown(null) : this.end(farewell);
    if (loss === "unsaid") this.end(pins === 0 ? error : new PinnedServerLostError(error, pins));
    else this.#session.endSilently();
  }

  get served(): boolean {
    const server = this.#server;
    if (server === null || this.#asking || !this.#mayCheckIn(server)) return false;
    return !server.state.settingsChanged && server.state.mayPin === 0;
  }

  onFitted(server: ServerConnection): void {
    this.#asking = false;
    this.#onSettingsApplied(server, null);
  }

  onUnfit(): void {
    this.#server = null;
    this.#asking = false;
    this.acquire();
  }

  onSettingsKnown(nowMs: number | null): void {
    this.#asking = false;
    tellParameters(this.client, this.client.settings.reported, this.#session.channel);
    this.#deadlines?.idle(nowMs);
    this.#session.goOn();
  }

  onSettingsLost(error: PoolerError): void {
    this.#asking = false;
    this.end(error);
  }

  end(error: PoolerError): void {
    this.#session.end(error);
  }

  /** A statement goes out that may bind the client to its server. */
  reservePin(reasons: number): PoolerError | null {
    return this.#ownPin().reserve(reasons);
  }

  get #pool(): ServerPool {
    return this.#session.pool;
  }

  get #relay(): FrontendRelay {
    return this.#session.relay;
  }

  #ownPin(): ClientPin {
    this.#pin ??= new ClientPin(this.#pool.pins, this.#session);
    return this.#pin;
  }

  /** What watches this client's times, if any is limited now. */
  #limitTimes(): SessionDeadlines | null {
    if (this.#pool.times.limited) this.#deadlines ??= new SessionDeadlines(this, this.#pool);
    return this.#deadlines;
  }

  /** A cancel that would have struck the settings in front of the client's query. */
  #cancelNow(server: ServerConnection): void {
    this.#cancelKeptBack = false;
    if (server.state.expected.size > 0) this.#pool.cancel(server);
  }

  #cancelWaiting(): void {
    this.#pool.forget(this);
    this.#refuse(errorResponseOf(new QueryCanceledError()));
  }

  /** What the client waits for does not come. */
  #refuse(errorResponse: Uint8Array): void {
    this.#deadlines?.idle();
    this.#session.afterRelay(this.#relay.refuse(errorResponse));
    this.#session.flow.regulate();
  }

  /** A server is ours. Its settings are made the client's before anything of the client's reaches it. */
  #take(server: ServerConnection): void {
    assert(this.#server === null && !this.#session.over, "a client takes one server at a time");
    this.#server = server;
    this.#cancelKeptBack = false;
    server.beginHold(this, this.client, this.#session.channel);
    if (this.#pool.hiddenState.naming && server.state.lookedAt)
      server.state.texts = new HoldTexts();
    const restedLong = server.slot.restedMs > this.#pool.times.checkDelayMs;
    if (this.prefers(server) && !restedLong)
      return this.#onSettingsApplied(server, server.slot.sinceMs);
    // In session mode the unnamed statement would be ours.
    const mayStandInFront = !restedLong && this.#pool.name.mode === "transaction";
    if (mayStandInFront && fitsInFront(server.state.settings, this.client.settings))
      return this.#onSettingsApplied(server, server.slot.sinceMs, true);
    this.#asking = true;
    this.#deadlines?.waiting();
    fitServer(server, this, this.#pool.checkTimeoutMs);
  }

  /** From now on the server works for the client, whose time counts. */
  #onSettingsApplied(server: ServerConnection, nowMs: number | null, inFront = false): void {
    const reported = (this.client.settings.reported ??= new Map(server.state.parameters));
    this.#limitTimes()?.taken(server.state, nowMs);
    // Behind the answer to our query a notice may have begun: then the news must wait for another time.
    const holding = inFront ? reported : server.state.parameters;
    if (!server.insideReply) tellParameters(this.client, holding, this.#session.channel);
    this.#relay.setServer(server.state, server.transport);
    if (inFront) this.#sendInFront(server);
    this.#session.onServerReady();
  }

  #sendInFront(server: ServerConnection): void {
    this.#relay.sendSettings(this.client.settings);
    server.awaitSettings(this.#pool.checkTimeoutMs);
  }

  #mayCheckIn(server: ServerConnection): boolean {
    if (this.#pool.name.mode !== "transaction" || !this.#isAtRest(server)) return false;
    return this.#pin === null || !this.#pin.keeps(server.state);
  }

  #isAtRest(server: ServerConnection): boolean {
    return server.clean && !this.#relay.insideMessage && !this.#session.over;
  }

  /** Whether a SET or RESET may have undone what the client asked for; elsewhere the check-in sees to it. */
  #mustRestore(server: ServerConnection): boolean {
    return (
      server.state.settingsTouched &&
      (this.#pool.name.mode === "session" || (this.#pin?.bits ?? 0) !== 0) &&
      this.client.startupSettings.entries.size > 0 &&
      this.#isAtRest(server)
    );
  }

  #restore(server: ServerConnection): void {
    this.#relay.putServerAside();
    this.#asking = true;
    if (this.#pin !== null) this.#pin.settingsRestored = true;
    restoreSettings(server, this);
  }

  #checkIn(server: ServerConnection): void {
    const told = server.state.mayPin | (this.#pin?.bits ?? 0);
    if (this.#pool.hiddenState.exact) server.state.mayPin = ALL_PINS;
    if (server.state.mayPin !== 0 || told !== 0) this.#askForPins(server, told);
    else this.#letGo(server);
  }

  /** @param told what may bind it to the server by all that is known */
  #askForPins(server: ServerConnection, told: number): void {
    this.#relay.putServerAside();
    this.#asking = true;
    this.#deadlines?.waiting();
    probePins(server, this.#pin?.bits ?? 0, (held) => {
      const reasons = pinReasons(held & ~told);
      if (reasons.length > 0)
        this.#pool.hiddenState.found({ settings: [], reasons }, server.state.texts?.texts ?? null);
      if (server.isHeldBy(this)) this.#onPinsKnown(server, held);
    });
  }

  #onPinsKnown(server: ServerConnection, held: number): void {
    this.#asking = false;
    const { farewell } = this.#session;
    if (farewell !== null) return this.end(farewell);
    // A notice may have begun behind the answer: the client has its beginning, and waits for its end.
    if (!this.#ownPin().hold(held) && !server.insideReply) return this.#letGo(server);
    if (this.#mustRestore(server)) return this.#restore(server);
    this.#limitTimes()?.taken(server.state, null);
    this.#relay.setServer(server.state, server.transport);
    this.#session.onServerReady();
  }

  #letGo(server: ServerConnection): void {
    if (this.#pin !== null) {
      if (this.#pin.settingsRestored) server.state.settingsTouched = true;
      this.#pin.settingsRestored = false;
      this.#pin.release();
    }
    this.#server = null;
    this.#relay.setServer(null, null);
    this.#session.flow.unblock();
    this.#asking = true;
    this.#deadlines?.waiting();
    checkIn(server, this, this.#pool.settings, this.#pool.hiddenState);
  }
}

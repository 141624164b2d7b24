/**
 * A client that is logged in: joins its relay, its pool and, for a transaction or for good, a server.
 *
 *   welcoming ── serving ── over
 *
 * While serving it holds a server or none. Its relay says when one is needed; the guard of
 * {@link ServerConnection.clean} says when it may go back.
 */

import { assert } from "../base/assert.ts";
import type { PoolerError } from "../base/pooler-error.ts";
import type { Channel, ChannelHandler } from "../net/channel.ts";
import type { Waiter } from "../pool/waiter.ts";
import type { ClientState } from "../session/client-state.ts";
import { EXPECTED } from "../session/expected-reply.ts";
import { FrontendRelay } from "../session/frontend-relay.ts";
import { HoldTexts } from "../session/hold-texts.ts";
import type { PinPermit } from "../session/pin-permit.ts";
import { ALL_PINS, pinReasons } from "../session/pin-reasons.ts";
import { type FrontendRelayEvents, STOP } from "../session/relay-owner.ts";
import { fitsInFront } from "../session/settings-batch.ts";
import { StatementTranslator } from "../session/statement-translator.ts";
import { errorResponseOf } from "../wire/backend/error-response.ts";
import type { Cancellable, IssuedKey } from "./cancel-registry.ts";
import { type CheckInClient, checkIn } from "./check-in.ts";
import { ClientFlow } from "./client-flow.ts";
import { ClientPin, probePins } from "./client-pin.ts";
import { NotTakenOverError } from "./client-takeovers.ts";
import type { ClientTicket } from "./client-ticket.ts";
import { isBetweenQueries, tellNothingNew } from "./heartbeat-message.ts";
import type { Spoke } from "./heartbeats.ts";
import { tellParameters } from "./parameter-news.ts";
import { PinnedServerLostError } from "./pin-errors.ts";
import { ClientViolationError, InternalError, QueryCanceledError } from "./proxy-errors.ts";
import type { Loss, ServerConnection, ServerHolder } from "./server-connection.ts";
import { type FittingClient, fitServer, restoreSettings } from "./server-fitting.ts";
import type { ServerPool } from "./server-pool.ts";
import { type LimitedSession, SessionDeadlines } from "./session-deadlines.ts";
import type { ClientSessionOptions, OwnedClient, SessionOwner } from "./session-owner.ts";
import { SessionRest } from "./session-rest.ts";
import { type JudgedClient, SettingsJudge } from "./settings-judge.ts";
import { withSeverity } from "./with-severity.ts";

type Phase = "welcoming" | "serving" | "over";

export class ClientSession
  implements
    ChannelHandler,
    Waiter<ServerConnection>,
    ServerHolder,
    FrontendRelayEvents,
    CheckInClient,
    FittingClient,
    JudgedClient,
    Cancellable,
    LimitedSession,
    PinPermit,
    OwnedClient
{
  readonly client: ClientState;
  readonly #channel: Channel;
  readonly #pool: ServerPool;
  readonly #relay: FrontendRelay;
  readonly #flow: ClientFlow;
  readonly #owner: SessionOwner;
  readonly #secretBytes: number;
  /** Null: the client's connection is in this process, and ends with it. */
  readonly #rest: SessionRest | null;
  /** The client's cancel key; 0 before it has one. */
  #processId = 0;
  #phase: Phase = "welcoming";
  #server: ServerConnection | null = null;
  /** The server's settings are being made the client's, or the client's are being read from it. */
  #settingsUnderWay = false;
  /** Why it keeps its server, or may come to. Made at the first use. */
  #pin: ClientPin | null = null;
  /** A cancel came while settings were under way to the server in front of the query. */
  #cancelKeptBack = false;
  /** While the client's settings have to be judged. */
  #judge: SettingsJudge | null = null;
  /** Why the session ends when its transaction is over; null: it goes on. */
  #farewell: PoolerError | null = null;
  /** Made where one of its times is limited: an idle client costs nothing more. */
  #deadlines: SessionDeadlines | null = null;
  quietTurns = 0;
  spoke: Spoke | null = null;
  waitingSinceMs = 0;
  ticket = 0;
  queue: object | null = null;
  previous: Waiter<ServerConnection> | null = null;
  next: Waiter<ServerConnection> | null = null;

  constructor(options: ClientSessionOptions) {
    const { channel, pool, client, limits, scratch } = options;
    this.client = client;
    this.#channel = channel;
    this.#pool = pool;
    this.#owner = options.owner;
    this.#secretBytes = options.secretBytes;
    this.#rest = channel.outlivesHolder
      ? new SessionRest(channel, client, options.ticketHolder)
      : null;
    const translator =
      pool.name.mode === "transaction"
        ? new StatementTranslator(client, pool.statements, limits, scratch.toServer)
        : null;
    if (translator !== null) client.pinPermit = this;
    this.#relay = new FrontendRelay(client, translator, limits, scratch.toServer, channel, this);
    this.#flow = new ClientFlow(channel, this.#relay);
    channel.handler = this;
    pool.clientJoined();
  }

  /**
   * Tells the client that it is in. If nobody has had its settings before, a server judges them first.
   * @param early what the client sent behind its proof
   * @param saslFinal what it is told before all else
   */
  start(early: Uint8Array | null, saslFinal: Uint8Array | null): void {
    if (early !== null) this.#flow.keepEarly(early);
    const { reported } = this.client.settings;
    if (reported !== null) return this.#welcome(reported, saslFinal);
    if (saslFinal !== null) this.#channel.write(saslFinal, 0, saslFinal.length);
    this.#judge = new SettingsJudge(this, this.#pool);
    this.#judge.start();
  }

  /** Goes on with a client that another owner has let in: it is told nothing, and keeps its cancel key. */
  takeOver({ told, key }: ClientTicket): void {
    if (!this.#owner.cancels.adopt(this, key))
      return this.end(new NotTakenOverError("its cancel key is another client's"));
    this.client.told = told;
    this.#serve(told, key);
    this.#flow.regulate();
    this.#lookForRest();
  }

  onBytes(bytes: Uint8Array): void {
    this.quietTurns = 0;
    try {
      if (this.#phase === "welcoming") this.#flow.keepEarly(bytes);
      else this.#read(bytes);
      this.#flow.regulate();
    } catch (fault) {
      // A bug of ours ends this connection and its server, whose state nobody knows; no other one.
      const error = new InternalError(fault);
      this.#owner.onFault(error);
      this.giveUp(error);
    }
  }

  onDrained(): void {
    this.#server?.transport.resume();
    this.#flow.regulate();
    this.#goOn();
  }

  onClosed(): void {
    this.#leave();
  }

  prefers(server: ServerConnection): boolean {
    return server.state.settings === this.client.settings;
  }

  onGranted(server: ServerConnection): void {
    this.#take(server);
  }

  onRefused(error: PoolerError): void {
    if (this.#farewell !== null) return this.end(error);
    this.#deadlines?.idle();
    this.#afterRelay(this.#relay.refuse(withSeverity(error, "ERROR")));
    this.#flow.regulate();
  }

  onServerProgress(): void {
    const server = this.#server;
    if (server === null || this.#settingsUnderWay) return;
    if (server.state.retry.due) return this.#afterRelay(this.#relay.repeat(server.state));
    if (this.#cancelKeptBack && !server.state.settingsUnderWay) this.#cancelNow(server);
    if (this.#farewell !== null && server.clean) return this.end(this.#farewell);
    if (this.#mayCheckIn(server)) return this.#checkIn(server);
    if (this.#mustRestore(server)) return this.#restore(server);
    this.#relay.settleCopySyncs();
    this.#deadlines?.progress(server.state);
    this.#goOn();
  }

  onServerDrained(): void {
    this.#flow.unblock();
  }

  onServerLost(error: PoolerError, loss: Loss): void {
    const unused = this.#settingsUnderWay && this.#server?.state.restoring !== true;
    this.#server = null;
    this.#settingsUnderWay = false;
    this.#relay.setServer(null, null);
    this.#flow.unblock();
    const pins = this.#pin?.bits ?? 0;
    this.#pin?.release();
    if (unused) return this.#goOn(); // nothing of the client's has reached it: another one will do
    if (loss === "none")
      return this.#farewell === null ? this.onSettingsKnown(null) : this.end(this.#farewell);
    if (loss === "unsaid") this.end(pins === 0 ? error : new PinnedServerLostError(error, pins));
    else this.#endSilently();
  }

  get served(): boolean {
    const server = this.#server;
    if (server === null || this.#settingsUnderWay || !this.#mayCheckIn(server)) return false;
    return !server.state.settingsChanged && server.state.mayPin === 0;
  }

  onFitted(server: ServerConnection): void {
    this.#settingsUnderWay = false;
    this.#onSettingsApplied(server, null);
  }

  onUnfit(): void {
    this.#server = null;
    this.#settingsUnderWay = false;
    this.#acquire();
  }

  onSettingsJudged(reported: ReadonlyMap<string, string>): void {
    this.#judge = null;
    this.#welcome(reported, null);
  }

  onSettingsAssumed(assumed: ReadonlyMap<string, string>): void {
    this.#judge = null;
    // Corrected as soon as a server says otherwise.
    this.client.told = assumed;
    this.#welcome(assumed, null);
  }

  onSettingsKnown(nowMs: number | null): void {
    this.#settingsUnderWay = false;
    tellParameters(this.client, this.client.settings.reported, this.#channel);
    this.#deadlines?.idle(nowMs);
    this.#goOn();
  }

  onSettingsLost(error: PoolerError): void {
    this.#settingsUnderWay = false;
    this.end(error);
  }

  onTerminate(): void {
    this.#leave(true); // first: `onClosed` may come inside `hangUp`, and says nothing of an orderly end
    this.#channel.hangUp();
  }

  onViolation(reason: string, detail?: string): void {
    this.end(new ClientViolationError(reason, detail));
  }

  /** A statement goes out that may bind the client to its server. */
  reservePin(reasons: number): PoolerError | null {
    return this.#ownPin().reserve(reasons);
  }

  /** What the client knows as its process id; 0 before it does. */
  get processId(): number {
    return this.#processId;
  }

  #ownPin(): ClientPin {
    this.#pin ??= new ClientPin(this.#pool.pins, this);
    return this.#pin;
  }

  /** Whose client it is. */
  get tenant(): string {
    return this.#pool.name.tenant;
  }

  get alias(): string {
    return this.#pool.name.user;
  }

  get heartbeatSeconds(): number {
    return this.#pool.times.heartbeatSeconds;
  }

  askUnanswered(onAnswer: (unansweredMs: number | null) => void): void {
    this.#channel.askUnanswered(onAnswer);
  }

  beat(silentSeconds: number): void {
    if (!this.#isIdle || !tellNothingNew(this.client, this.#channel))
      this.#channel.probeAfter(silentSeconds);
  }

  lose(): void {
    this.#channel.destroy();
  }

  /** Whether the client has been answered all it asked, and has begun nothing else. */
  get #isIdle(): boolean {
    if (this.#phase !== "serving" || this.#settingsUnderWay || this.queue !== null) return false;
    if (this.#relay.stop !== STOP.none || this.#relay.heldBytes > 0 || this.#relay.insideMessage)
      return false;
    const server = this.#server;
    return server === null || (isBetweenQueries(server.state) && !server.insideReply);
  }

  /** A CancelRequest with this client's key came: for the query that runs, or that waits for a server. */
  cancel(): void {
    if (this.queue !== null) return this.#cancelWaiting();
    if (this.#server === null || this.#settingsUnderWay) return;
    if (this.#server.state.settingsUnderWay) this.#cancelKeptBack = true;
    else this.#pool.cancel(this.#server);
  }

  /** A cancel that would have struck the settings in front of the client's query. */
  #cancelNow(server: ServerConnection): void {
    this.#cancelKeptBack = false;
    if (server.state.expected.size > 0) this.#pool.cancel(server);
  }

  #cancelWaiting(): void {
    this.#pool.forget(this);
    this.#deadlines?.idle();
    this.#afterRelay(this.#relay.refuse(errorResponseOf(new QueryCanceledError())));
    this.#flow.regulate();
  }

  cancelOverdue(error: PoolerError): void {
    if (this.#server === null || this.#settingsUnderWay) return this.end(error);
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
    if (insideReply) this.#endSilently();
    else this.end(error);
  }

  /** Ends the connection and says why. */
  end(error: PoolerError): void {
    if (this.#phase === "over") return;
    if (this.#server?.insideReply === true) return this.#endSilently();
    const message = withSeverity(error, "FATAL");
    this.#channel.write(message, 0, message.length);
    this.#endSilently();
  }

  /** A client that has the beginning of a reply would take whatever is said for its rest. */
  #endSilently(): void {
    this.#channel.close();
    this.#leave();
  }

  /** As {@link end}, but a transaction that runs may end first. */
  endWhenIdle(error: PoolerError): void {
    this.#farewell = error;
    if (this.#server === null || (this.#server.clean && !this.#settingsUnderWay)) this.end(error);
  }

  /** What watches this client's times, if any is limited now. */
  #limitTimes(): SessionDeadlines | null {
    if (this.#pool.times.limited) this.#deadlines ??= new SessionDeadlines(this, this.#pool);
    return this.#deadlines;
  }

  #read(bytes: Uint8Array): void {
    const accepted = this.#relay.feed(bytes);
    if (this.#phase === "serving") this.#afterRelay(accepted);
  }

  #afterRelay(accepted: boolean): void {
    if (!accepted) this.#flow.block();
    const head = this.#server?.state.expected.head ?? 0;
    if (head === EXPECTED.parseKnown || head === EXPECTED.closeKnown) this.#server?.settle();
    const server = this.#server;
    // What came last may have been the rest of a message that nothing is owed for.
    if (server !== null && !this.#settingsUnderWay && this.#mayCheckIn(server))
      return this.#checkIn(server);
    this.#relay.settleCopySyncs();
    if (server !== null && !this.#settingsUnderWay) this.#deadlines?.progress(server.state);
    if (this.#relay.stop !== STOP.none) this.#goOn();
    else {
      if (server === null) this.#deadlines?.idle();
      this.#lookForRest();
    }
  }

  /** Where the client has nothing under way, who keeps its connection hears of that. */
  #lookForRest(): void {
    if (this.#rest === null || this.#phase !== "serving" || this.#settingsUnderWay) return;
    const server = this.#server;
    const isServed = this.queue === null && (server === null || server.clean);
    if (isServed && this.#relay.isBetweenMessages) this.#rest.come(server !== null);
  }

  /** Goes on with what the client sent, as far as that is possible now. */
  #goOn(): void {
    if (this.#phase !== "serving" || this.#settingsUnderWay || this.queue !== null) return;
    switch (this.#relay.stop) {
      case STOP.none:
        return this.#lookForRest();
      case STOP.needsServer:
        // A client that reads no replies gets no further server to produce more of them.
        if (this.#server === null && this.#channel.pendingBytes === 0) this.#acquire();
        return;
      case STOP.needsCancelEnd:
        if (this.#server?.state.cancelLate !== true) this.#resumeRelay();
        return;
      default:
        if (this.#server === null || this.#server.state.clientsTurn) this.#resumeRelay();
    }
  }

  #resumeRelay(): void {
    const accepted = this.#relay.resume();
    this.#afterRelay(accepted);
    this.#flow.regulate();
  }

  #acquire(): void {
    const server = this.#pool.acquire(this);
    if (server !== null) this.#take(server);
    else if (this.queue !== null) this.#deadlines?.waiting();
  }

  /** A server is ours. Its settings are made the client's before anything of the client's reaches it. */
  #take(server: ServerConnection): void {
    assert(this.#server === null && this.#phase !== "over", "a client takes one server at a time");
    this.#server = server;
    this.#cancelKeptBack = false;
    server.beginHold(this, this.client, this.#channel);
    if (this.#pool.hiddenState.naming && server.state.lookedAt)
      server.state.texts = new HoldTexts();
    const restedLong = server.slot.restedMs > this.#pool.times.checkDelayMs;
    if (this.prefers(server) && !restedLong)
      return this.#onSettingsApplied(server, server.slot.sinceMs);
    // In session mode the unnamed statement would be ours.
    const mayStandInFront = !restedLong && this.#pool.name.mode === "transaction";
    if (mayStandInFront && fitsInFront(server.state.settings, this.client.settings))
      return this.#onSettingsApplied(server, server.slot.sinceMs, true);
    this.#settingsUnderWay = true;
    this.#deadlines?.waiting();
    fitServer(server, this, this.#pool.checkTimeoutMs);
  }

  /** From now on the server works for the client, whose time counts. */
  #onSettingsApplied(server: ServerConnection, nowMs: number | null, inFront = false): void {
    const reported = (this.client.settings.reported ??= new Map(server.state.parameters));
    this.#limitTimes()?.taken(server.state, nowMs);
    // Behind the answer to our query a notice may have begun: then the news must wait for another time.
    const holding = inFront ? reported : server.state.parameters;
    if (!server.insideReply) tellParameters(this.client, holding, this.#channel);
    this.#relay.setServer(server.state, server.transport);
    if (inFront) this.#sendInFront(server);
    // A client that had its server before may have sent nothing since.
    if (this.#relay.stop === STOP.none) this.#afterRelay(true);
    else this.#resumeRelay();
  }

  #sendInFront(server: ServerConnection): void {
    this.#relay.sendSettings(this.client.settings);
    server.awaitSettings(this.#pool.checkTimeoutMs);
  }

  #welcome(reported: ReadonlyMap<string, string>, saslFinal: Uint8Array | null): void {
    const key = this.#owner.cancels.issue(this, this.#secretBytes);
    const messages = this.#owner.welcomes.messages(saslFinal, reported, key);
    this.#serve(reported, key);
    this.#channel.write(messages, 0, messages.length);
    const early = this.#flow.takeEarly();
    if (early === null) this.#lookForRest();
    else this.#read(early);
    this.#flow.regulate();
  }

  #serve(told: ReadonlyMap<string, string>, key: IssuedKey): void {
    this.#processId = key.processId;
    this.#rest?.begin(told, key);
    this.#phase = "serving";
    this.#limitTimes()?.idle();
  }

  #mayCheckIn(server: ServerConnection): boolean {
    if (this.#pool.name.mode !== "transaction" || !this.#isAtRest(server)) return false;
    return this.#pin === null || !this.#pin.keeps(server.state);
  }

  #isAtRest(server: ServerConnection): boolean {
    return server.clean && !this.#relay.insideMessage && this.#phase === "serving";
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
    this.#settingsUnderWay = true;
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
    this.#settingsUnderWay = true;
    this.#deadlines?.waiting();
    probePins(server, this.#pin?.bits ?? 0, (held) => {
      const reasons = pinReasons(held & ~told);
      if (reasons.length > 0)
        this.#pool.hiddenState.found({ settings: [], reasons }, server.state.texts?.texts ?? null);
      if (server.isHeldBy(this)) this.#onPinsKnown(server, held);
    });
  }

  #onPinsKnown(server: ServerConnection, held: number): void {
    this.#settingsUnderWay = false;
    if (this.#farewell !== null) return this.end(this.#farewell);
    // A notice may have begun behind the answer: the client has its beginning, and waits for its end.
    if (!this.#ownPin().hold(held) && !server.insideReply) return this.#letGo(server);
    if (this.#mustRestore(server)) return this.#restore(server);
    this.#limitTimes()?.taken(server.state, null);
    this.#relay.setServer(server.state, server.transport);
    if (this.#relay.stop === STOP.none) this.#afterRelay(true);
    else this.#resumeRelay();
  }

  #letGo(server: ServerConnection): void {
    if (this.#pin !== null) {
      if (this.#pin.settingsRestored) server.state.settingsTouched = true;
      this.#pin.settingsRestored = false;
      this.#pin.release();
    }
    this.#server = null;
    this.#relay.setServer(null, null);
    this.#flow.unblock();
    this.#settingsUnderWay = true;
    this.#deadlines?.waiting();
    checkIn(server, this, this.#pool.settings, this.#pool.hiddenState);
  }

  /**
   * Lets go of everything. The channel closes by itself.
   * @param orderly the client said Terminate
   */
  #leave(orderly = false): void {
    if (this.#phase === "over") return;
    this.#phase = "over";
    if (this.#processId !== 0) this.#owner.cancels.revoke(this.#processId);
    this.#deadlines?.end();
    this.#pin?.release();
    this.#judge?.stop();
    if (this.queue !== null) this.#pool.forget(this);
    const server = this.#server;
    this.#server = null;
    if (server !== null) {
      const { insideMessage } = this.#relay;
      this.#relay.setServer(null, null);
      this.#pool.recover(server, { insideMessage, orderly });
    }
    this.client.end();
    this.#pool.clientLeft();
    this.#owner.onSessionOver(this);
  }
}

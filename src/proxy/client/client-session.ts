/**
 * A client that is logged in: what it is told, when it is read, and how it ends.
 *
 *   welcoming ── serving ── over
 *
 * While serving, what it sends goes through its relay, to the server that its {@link ServerHold} has for it; the
 * relay says when one is needed.
 */

import type { PoolerError } from "../../base/pooler-error.ts";
import type { Channel, ChannelHandler } from "../../net/channel.ts";
import { type MovableClient, movableConnection } from "../../net/movable-client.ts";
import type { ClientState } from "../../session/client-state.ts";
import { FrontendRelay } from "../../session/relay/frontend-relay.ts";
import { type FrontendRelayEvents, STOP } from "../../session/relay/relay-owner.ts";
import { canKeepStatements, restoreStatements } from "../../session/statements/kept-statements.ts";
import { StatementTranslator } from "../../session/statements/statement-translator.ts";
import type { IssuedKey } from "../cancel/cancel-registry.ts";
import { type JudgedClient, SettingsJudge } from "../login/settings-judge.ts";
import type { ServerPool } from "../pools/server-pool.ts";
import { ClientViolationError, InternalError } from "../proxy-errors.ts";
import { type ClientTicket, type TicketHolder, ticketFor } from "../tickets/client-ticket.ts";
import { MovingSession } from "../tickets/moving-session.ts";
import { SessionRest } from "../tickets/session-rest.ts";
import { NotTakenOverError } from "../tickets/ticket-logins.ts";
import { withSeverity } from "../with-severity.ts";
import { ClientFlow } from "./client-flow.ts";
import { isBetweenQueries, tellNothingNew } from "./heartbeat-message.ts";
import type { Spoke } from "./heartbeats.ts";
import type { HoldingClient } from "./holding-client.ts";
import { ServerHold } from "./server-hold.ts";
import type { ClientSessionOptions, OwnedClient, SessionOwner } from "./session-owner.ts";

/** A client with a longer ticket does not move: it stays until the time for leaving is over. */
const MOVED_TICKET_CHARACTERS_MAX = 65_536;

type Phase = "welcoming" | "serving" | "over";

export class ClientSession
  implements ChannelHandler, FrontendRelayEvents, JudgedClient, HoldingClient, OwnedClient
{
  readonly client: ClientState;
  readonly channel: Channel;
  readonly pool: ServerPool;
  readonly relay: FrontendRelay;
  readonly flow: ClientFlow;
  readonly #hold: ServerHold;
  readonly #owner: SessionOwner;
  readonly #secretBytes: number;
  /** By whose ticket another process could go on with the client's connection; null: none could. */
  readonly #movesAs: TicketHolder | null;
  /** Null: the client's connection is in this process, and ends with it. */
  readonly #rest: SessionRest | null;
  /** The client's cancel key; 0 before it has one. */
  #processId = 0;
  #phase: Phase = "welcoming";
  /** While the client's settings have to be judged. */
  #judge: SettingsJudge | null = null;
  #farewell: PoolerError | null = null;
  quietTurns = 0;
  spoke: Spoke | null = null;

  constructor(options: ClientSessionOptions) {
    const { channel, pool, client, limits, scratch } = options;
    this.client = client;
    this.channel = channel;
    this.pool = pool;
    this.#owner = options.owner;
    this.#secretBytes = options.secretBytes;
    this.#movesAs = options.isMovable ? options.ticketHolder : null;
    this.#rest = channel.outlivesHolder
      ? new SessionRest(channel, client, options.ticketHolder, options.ticketParts, () =>
          this.#lookForRest(),
        )
      : null;
    const translator =
      pool.name.mode === "transaction"
        ? new StatementTranslator(client, pool.statements, limits, scratch.toServer)
        : null;
    this.relay = new FrontendRelay(client, translator, limits, scratch.toServer, channel, this);
    this.flow = new ClientFlow(channel, this.relay);
    this.#hold = new ServerHold(this);
    if (translator !== null) client.pinPermit = this.#hold;
    channel.handler = this;
    pool.clientJoined();
  }

  /**
   * Tells the client that it is in. If nobody has had its settings before, a server judges them first.
   * @param early what the client sent behind its proof
   * @param saslFinal what it is told before all else
   */
  start(early: Uint8Array | null, saslFinal: Uint8Array | null): void {
    if (early !== null) this.flow.keepEarly(early);
    const { reported } = this.client.settings;
    if (reported !== null) return this.#welcome(reported, saslFinal);
    if (saslFinal !== null) this.channel.write(saslFinal, 0, saslFinal.length);
    this.#judge = new SettingsJudge(this, this.pool);
    this.#judge.start();
  }

  /** Goes on with a client that another owner has let in: it is told nothing, and keeps its cancel key. */
  takeOver({ settingsNow, statements, told, key }: ClientTicket): void {
    if (!this.#owner.cancels.adopt(this.#hold, key))
      return this.end(new NotTakenOverError("its cancel key is another client's"));
    this.client.told = told;
    if (settingsNow !== null) this.#adoptSettings(settingsNow);
    if (!restoreStatements(this.client, statements, told))
      return this.end(new NotTakenOverError("there is no room for its statements"));
    this.#serve(told, key);
    this.flow.regulate();
    this.#lookForRest();
  }

  onBytes(bytes: Uint8Array): void {
    this.quietTurns = 0;
    try {
      if (this.#phase === "welcoming") this.flow.keepEarly(bytes);
      else this.#read(bytes);
      this.flow.regulate();
    } catch (fault) {
      // A bug of ours ends this connection and its server, whose state nobody knows; no other one.
      const error = new InternalError(fault);
      this.#owner.onFault(error);
      this.#hold.giveUp(error);
    }
  }

  onDrained(): void {
    this.#hold.server?.transport.resume();
    this.flow.regulate();
    this.goOn();
  }

  onClosed(): void {
    this.#leave();
  }

  onTerminate(): void {
    this.#leave(true); // first: `onClosed` may come inside `hangUp`, and says nothing of an orderly end
    this.channel.hangUp();
  }

  onViolation(reason: string, detail?: string): void {
    this.end(new ClientViolationError(reason, detail));
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

  get processId(): number {
    return this.#processId;
  }

  get over(): boolean {
    return this.#phase === "over";
  }

  get farewell(): PoolerError | null {
    return this.#farewell;
  }

  onServerReady(): void {
    // A client that had its server before may have sent nothing since.
    if (this.relay.stop === STOP.none) this.afterRelay(true);
    else this.#resumeRelay();
  }

  goOn(): void {
    if (this.#phase !== "serving" || this.#hold.blocked) return;
    const { server } = this.#hold;
    switch (this.relay.stop) {
      case STOP.none:
        return this.#lookForRest();
      case STOP.needsServer:
        // A client that reads no replies gets no further server to produce more of them.
        if (server === null && this.channel.pendingBytes === 0) this.#hold.acquire();
        return;
      case STOP.needsCancelEnd:
        if (server?.state.cancelLate !== true) this.#resumeRelay();
        return;
      default:
        if (server === null || server.state.clientsTurn) this.#resumeRelay();
    }
  }

  afterRelay(accepted: boolean): void {
    if (!accepted) this.flow.block();
    if (this.#hold.onRelayed()) return;
    if (this.relay.stop === STOP.none) this.#lookForRest();
    else this.goOn();
  }

  end(error: PoolerError): void {
    if (this.#phase === "over") return;
    if (this.#hold.server?.insideReply === true) return this.endSilently();
    const message = withSeverity(error, "FATAL");
    this.channel.write(message, 0, message.length);
    this.endSilently();
  }

  endSilently(): void {
    this.channel.close();
    this.#leave();
  }

  /** As {@link end}, but a transaction that runs may end first. */
  endWhenIdle(error: PoolerError): void {
    this.#farewell = error;
    const { server, blocked } = this.#hold;
    if (server === null || (server.clean && !blocked)) this.end(error);
  }

  get mayMove(): boolean {
    if (this.#movesAs === null || this.#phase === "over") return false;
    return canKeepStatements(this.client);
  }

  asMovable(): MovableClient | null {
    const transport = this.#movesAs === null ? null : movableConnection(this.channel);
    return transport === null ? null : new MovingSession(this, transport);
  }

  ticketNow(): string | null {
    const { client } = this;
    const isFree = this.#hold.server === null && this.#isServed && this.relay.stop === STOP.none;
    if (!isFree || this.#farewell !== null || this.#movesAs === null || client.mayReturnToUnnamed)
      return null;
    const told = client.told ?? client.settings.reported;
    const key = this.#owner.cancels.keyOf(this.#hold, this.#processId);
    if (told === null || key === null) return null;
    const ticket = ticketFor(client, this.#movesAs, told, key);
    return ticket === null || ticket.length > MOVED_TICKET_CHARACTERS_MAX ? null : ticket;
  }

  /** Whose client it is. */
  get tenant(): string {
    return this.pool.name.tenant;
  }

  get alias(): string {
    return this.pool.name.user;
  }

  get heartbeatSeconds(): number {
    return this.pool.times.heartbeatSeconds;
  }

  askUnanswered(onAnswer: (unansweredMs: number | null) => void): void {
    this.channel.askUnanswered(onAnswer);
  }

  beat(silentSeconds: number): void {
    if (!this.#isIdle || !tellNothingNew(this.client, this.channel))
      this.channel.probeAfter(silentSeconds);
  }

  lose(): void {
    this.channel.destroy();
  }

  /** Whether the client has been answered all it asked, and has begun nothing else. */
  get #isIdle(): boolean {
    if (this.#phase !== "serving" || this.#hold.blocked) return false;
    if (this.relay.stop !== STOP.none || this.relay.heldBytes > 0 || this.relay.insideMessage)
      return false;
    const { server } = this.#hold;
    return server === null || (isBetweenQueries(server.state) && !server.insideReply);
  }

  #read(bytes: Uint8Array): void {
    const accepted = this.relay.feed(bytes);
    if (this.#phase === "serving") this.afterRelay(accepted);
  }

  #resumeRelay(): void {
    const accepted = this.relay.resume();
    this.afterRelay(accepted);
    this.flow.regulate();
  }

  /** Where the client has nothing under way, who keeps its connection hears of that. */
  #lookForRest(): void {
    if (this.#rest !== null && this.#isServed) this.#rest.come(this.#hold.server !== null);
  }

  /** Whether the client has been answered all that it asked, and is not in a transaction. */
  get #isServed(): boolean {
    if (this.#phase !== "serving" || this.#hold.blocked) return false;
    const { server } = this.#hold;
    return (server === null || server.clean) && this.relay.isBetweenMessages;
  }

  #welcome(reported: ReadonlyMap<string, string>, saslFinal: Uint8Array | null): void {
    const key = this.#owner.cancels.issue(this.#hold, this.#secretBytes);
    const messages = this.#owner.welcomes.messages(saslFinal, reported, key);
    this.#serve(reported, key);
    this.channel.write(messages, 0, messages.length);
    const early = this.flow.takeEarly();
    if (early === null) this.#lookForRest();
    else this.#read(early);
    this.flow.regulate();
  }

  #adoptSettings(entries: ReadonlyMap<string, string>): void {
    const settings = this.pool.settings.intern(entries);
    this.client.adoptSettings(settings);
    this.pool.settings.release(settings);
  }

  #serve(told: ReadonlyMap<string, string>, key: IssuedKey): void {
    this.#processId = key.processId;
    this.#rest?.begin(told, key);
    this.#phase = "serving";
    this.#hold.begin();
  }

  /**
   * Lets go of everything. The channel closes by itself.
   * @param orderly the client said Terminate
   */
  #leave(orderly = false): void {
    if (this.#phase === "over") return;
    this.#phase = "over";
    if (this.#processId !== 0) this.#owner.cancels.revoke(this.#hold, this.#processId);
    this.#judge?.stop();
    this.#rest?.end();
    this.#hold.leave(orderly);
    this.client.end();
    this.pool.clientLeft();
    this.#owner.onSessionOver(this);
  }
}

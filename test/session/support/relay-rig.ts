/**
 * Clients and servers joined by the real relays, in memory: every client has a FrontendRelay, every
 * server a BackendRelay before a {@link ModelPostgres}, and all share the writers, as in a worker.
 * What joins them here is the shortest form of what the proxy's sessions and pools do.
 */

import { ClientState } from "../../../src/session/client-state.ts";
import { BackendRelay } from "../../../src/session/relay/backend-relay.ts";
import type { BackendRelayEvents } from "../../../src/session/relay/backend-relay-events.ts";
import { FrontendRelay } from "../../../src/session/relay/frontend-relay.ts";
import { knownReply } from "../../../src/session/relay/known-replies.ts";
import { type FrontendRelayEvents, STOP } from "../../../src/session/relay/relay-owner.ts";
import { type ByteSink, RunWriter } from "../../../src/session/relay/run-writer.ts";
import { ServerState } from "../../../src/session/server-state.ts";
import { SettingsInterner } from "../../../src/session/settings/session-settings.ts";
import { ServerStatements } from "../../../src/session/statements/server-statements.ts";
import { StatementInterner } from "../../../src/session/statements/statement.ts";
import { StatementTranslator } from "../../../src/session/statements/statement-translator.ts";
import { SqlReader } from "../../../src/sql/sql-reader.ts";
import { GRAMMAR } from "../../support/grammar.ts";
import { joined } from "./frontend-messages.ts";
import { ModelPostgres } from "./model-postgres.ts";

export interface RigLimits {
  readonly messageBytesMax: number;
  readonly statementBytesMax: number;
  readonly clientStatementsMax: number;
  readonly serverStatementsMax: number;
}

const LIMITS: RigLimits = {
  messageBytesMax: 1_000_000,
  statementBytesMax: 100_000,
  clientStatementsMax: 100,
  serverStatementsMax: 100,
};

/** Bytes on their way, taken from the front in pieces of any size. */
export class Wire implements ByteSink {
  #bytes: Uint8Array = new Uint8Array(0);
  writes = 0;

  get length(): number {
    return this.#bytes.length;
  }

  write(bytes: Uint8Array, start: number, end: number): boolean {
    this.writes += 1;
    this.#bytes = joined(this.#bytes, bytes.slice(start, end));
    return true;
  }

  take(count: number): Uint8Array {
    const taken = this.#bytes.slice(0, count);
    this.#bytes = this.#bytes.slice(count);
    return taken;
  }
}

export class Rig {
  readonly limits: RigLimits;
  readonly interner = new StatementInterner(new SqlReader(GRAMMAR));
  readonly settings = new SettingsInterner();
  readonly toServer = new RunWriter();
  readonly toClient = new RunWriter();
  readonly servers: RigServer[] = [];
  readonly clients: RigClient[] = [];
  readonly waiting: RigClient[] = [];
  readonly desyncs: string[] = [];

  constructor(limits: Partial<RigLimits> = {}) {
    this.limits = { ...LIMITS, ...limits };
  }

  addServer(): RigServer {
    const server = new RigServer(this);
    this.servers.push(server);
    return server;
  }

  addClient(mode: "transaction" | "session" = "transaction"): RigClient {
    const client = new RigClient(this, mode);
    this.clients.push(client);
    return client;
  }

  /** Lets every byte arrive that can. */
  settle(): void {
    for (let moved = true; moved; ) {
      moved = false;
      for (const client of this.clients) moved = client.deliver(Infinity) || moved;
      for (const server of this.servers) moved = server.deliver(Infinity) || moved;
    }
  }

  /** Ends all clients, then all servers: nothing that was shared may be left. */
  end(): void {
    for (const client of this.clients) client.leave();
    for (const server of this.servers) server.relay.end();
  }
}

export class RigServer implements BackendRelayEvents, ByteSink {
  readonly model = new ModelPostgres();
  readonly state: ServerState;
  readonly relay: BackendRelay;
  /** What the model sent and the relay has not read. */
  readonly toRelay = new Wire();
  readonly #rig: Rig;
  holder: RigClient | null = null;

  constructor(rig: Rig) {
    this.#rig = rig;
    const statements = new ServerStatements(rig.interner, rig.limits.serverStatementsMax);
    this.state = new ServerState(statements, rig.settings, new Map());
    this.relay = new BackendRelay(this.state, rig.toClient, this);
  }

  get clean(): boolean {
    return this.state.clean && !this.relay.insideMessage;
  }

  write(bytes: Uint8Array, start: number, end: number): boolean {
    this.model.receive(bytes.slice(start, end));
    const sent = this.model.take();
    this.toRelay.write(sent, 0, sent.length);
    return true;
  }

  /** Lets the relay read so many bytes. Returns whether there were any. */
  deliver(count: number): boolean {
    if (this.toRelay.length === 0) return false;
    this.relay.feed(this.toRelay.take(count));
    this.holder?.onServerProgress();
    return true;
  }

  onDesync(reason: string): void {
    this.#rig.desyncs.push(reason);
    const holder = this.holder;
    this.holder = null;
    this.relay.setClient(null, null);
    holder?.onServerLost();
  }

  onFatal(): boolean {
    return true;
  }

  onOwnRows(): void {}
  onOwnError(): void {}
  onOwnDone(): void {}
  onSettingsRefused(): void {}
}

export class RigClient implements FrontendRelayEvents, ByteSink {
  readonly state: ClientState;
  readonly relay: FrontendRelay;
  /** What the client sent and the relay has not read. */
  readonly toRelay = new Wire();
  /** What the client has received. */
  readonly received: Uint8Array[] = [];
  readonly violations: string[] = [];
  terminated = false;
  server: RigServer | null = null;
  readonly #rig: Rig;
  #gone = false;

  constructor(rig: Rig, mode: "transaction" | "session") {
    this.#rig = rig;
    const { interner, settings, limits, toServer } = rig;
    this.state = new ClientState(interner, settings, settings.intern(new Map()));
    const translator =
      mode === "transaction"
        ? new StatementTranslator(this.state, interner, limits, toServer)
        : null;
    this.relay = new FrontendRelay(this.state, translator, limits, toServer, this, this);
  }

  write(bytes: Uint8Array, start: number, end: number): boolean {
    this.received.push(bytes.slice(start, end));
    return true;
  }

  /** What the client has received since the last call. */
  takeReceived(): Uint8Array {
    return joined(...this.received.splice(0));
  }

  /** The client sends; the bytes arrive by {@link deliver}. */
  send(...messages: readonly Uint8Array[]): void {
    for (const bytes of messages) this.toRelay.write(bytes, 0, bytes.length);
  }

  /** Lets the relay read so many bytes. Returns whether there were any. */
  deliver(count: number): boolean {
    if (this.toRelay.length === 0) return false;
    this.relay.feed(this.toRelay.take(count));
    this.#afterRelay();
    return true;
  }

  onServerProgress(): void {
    const { server } = this;
    if (server === null) return;
    this.relay.settleCopySyncs();
    if (server.clean && !this.relay.insideMessage) this.#checkIn(server);
    else if (this.relay.stop === STOP.needsReplies) this.goOn();
  }

  onServerLost(): void {
    this.server = null;
    this.relay.setServer(null, null);
    this.leave();
  }

  onTerminate(): void {
    this.terminated = true;
    this.leave();
  }

  onViolation(reason: string): void {
    this.violations.push(reason);
    this.leave();
  }

  goOn(): void {
    if (this.#gone) return;
    if (this.relay.stop === STOP.needsServer) this.#acquire();
    else if (this.relay.stop === STOP.needsReplies) {
      if (this.server === null || this.server.state.clientsTurn) this.#resume();
    }
  }

  /** The client is gone. Its server stays as it is: to recover it is not what is tested here. */
  leave(): void {
    if (this.#gone) return;
    this.#gone = true;
    this.server?.relay.setClient(null, null);
    this.relay.setServer(null, null);
    this.state.end();
  }

  #afterRelay(): void {
    const expected = this.server?.state.expected;
    if (expected !== undefined && knownReply(expected.head, expected.headNote) !== null)
      this.server?.relay.settle();
    this.relay.settleCopySyncs();
    if (this.server !== null && this.server.clean && !this.relay.insideMessage)
      this.#checkIn(this.server);
    else this.goOn();
  }

  #resume(): void {
    this.relay.resume();
    this.#afterRelay();
  }

  #acquire(): void {
    const server = this.#rig.servers.find(({ holder, state }) => holder === null && !state.broken);
    if (server !== undefined) return this.#take(server);
    if (!this.#rig.waiting.includes(this)) this.#rig.waiting.push(this);
  }

  #take(server: RigServer): void {
    this.server = server;
    server.holder = this;
    server.state.beginHold();
    server.relay.setClient(this.state, this);
    this.relay.setServer(server.state, server);
    this.#resume();
  }

  #checkIn(server: RigServer): void {
    this.server = null;
    server.holder = null;
    server.relay.setClient(null, null);
    this.relay.setServer(null, null);
    const next = this.#rig.waiting.shift();
    if (next === undefined) this.goOn();
    else {
      next.#take(server);
      this.goOn();
    }
  }
}

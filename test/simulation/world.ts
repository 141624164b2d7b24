/**
 * One schedule of the simulation: real sessions, pools, servers, relays and transports between
 * simulated clients and backends, in fake time. A seed chooses every step, so it repeats the schedule
 * exactly. After each step the invariants are checked; at the end everything must drain.
 */

import { drainMicrotasks } from "bun:jsc";
import type { Logger } from "../../src/base/logger.ts";
import { ConnectError } from "../../src/net/connect-error.ts";
import type { DialEnvironment } from "../../src/net/dial.ts";
import { KernelOptions } from "../../src/net/kernel-options.ts";
import type { Transport } from "../../src/net/transport.ts";
import type { PoolLimits } from "../../src/pool/pool-limits.ts";
import { Ticker } from "../../src/pool/ticker.ts";
import { CancelRegistry } from "../../src/proxy/cancel-registry.ts";
import { ClientSession } from "../../src/proxy/client-session.ts";
import { PoolerCounters } from "../../src/proxy/pooler-counters.ts";
import { ServerLostError } from "../../src/proxy/proxy-errors.ts";
import { RelayScratch } from "../../src/proxy/relay-scratch.ts";
import { type PoolMode, type PoolRecipe, ServerPool } from "../../src/proxy/server-pool.ts";
import type { SessionOwner } from "../../src/proxy/session-owner.ts";
import { type SessionTimes, sessionTimes } from "../../src/proxy/session-times.ts";
import { Welcomes } from "../../src/proxy/welcomes.ts";
import { ClientState } from "../../src/session/client-state.ts";
import { StatementInterner } from "../../src/session/statement.ts";
import { TERMINATE } from "../../src/wire/frontend/empty-requests.ts";
import { FakeClock } from "../support/fake-clock.ts";
import { clientScript } from "./client-script.ts";
import { FakeConnection } from "./fake-connection.ts";
import type { SabotageName } from "./sabotage.ts";
import { sabotage } from "./sabotage.ts";
import { SeededRandom } from "./seeded-random.ts";
import { type BackendWorld, SimBackend } from "./sim-backend.ts";
import { SimClient } from "./sim-client.ts";

const FRONTEND_LIMITS = {
  messageBytesMax: 1_000_000,
  statementBytesMax: 10_000,
  clientStatementsMax: 20,
};

/** Times of clients in a schedule that limits them; a rough one jumps by seconds. */
const SHORT_TIMES = sessionTimes({
  checkDelayMs: 3_600_000,
  clientIdleMs: 6000,
  idleTransactionMs: 3000,
  queryMs: 1000,
  transactionMs: 4000,
});
const NO_TIMES = sessionTimes({
  checkDelayMs: 3_600_000,
  clientIdleMs: 0,
  idleTransactionMs: 0,
  queryMs: 0,
  transactionMs: 0,
});

const CLIENTS_MAX = 6;
/** What a transport may hold for a slow peer: the most that is produced between two drains here. */
const PENDING_BYTES_MAX = 100_000;
/** Steps of the last act: after so many without an end, something hangs. */
const DRAIN_ROUNDS_MAX = 400;

interface Dialing {
  readonly resolve: (transport: Transport) => void;
  readonly reject: (error: ConnectError) => void;
}

/** The kernel's options are of no consequence here, and libc is loaded once. */
const KERNEL = new KernelOptions([]);

export class World implements BackendWorld {
  readonly #random: SeededRandom;
  readonly #clock = new FakeClock();
  readonly #statements = new StatementInterner();
  readonly #cancels: CancelRegistry;
  readonly #scratch = new RelayScratch(this.#clock);
  readonly #counters = new PoolerCounters();
  readonly #pool: ServerPool;
  readonly #ownerOfTransports;
  readonly #sessionOwner: SessionOwner;
  readonly #clients: SimClient[] = [];
  readonly #backends: SimBackend[] = [];
  readonly #dialing: Dialing[] = [];
  readonly #trace: string[] = [];
  readonly #faults: string[] = [];
  /** Whether clients are cancelled and cut off, and servers die. Calm schedules compare everything. */
  readonly #rough: boolean;
  readonly #times: SessionTimes;
  #recipe: PoolRecipe;
  #allowedServers: number;
  #joined = 0;
  #draining = false;

  constructor(seed: number, broken: SabotageName | null = null) {
    this.#random = new SeededRandom(seed);
    this.#rough = this.#random.chance(0.6);
    this.#times = this.#rough && this.#random.chance(0.3) ? SHORT_TIMES : NO_TIMES;
    this.#cancels = new CancelRegistry(0, 0, this.#random);
    this.#sessionOwner = {
      cancels: this.#cancels,
      welcomes: new Welcomes(),
      onFault: (error) => this.#faults.push(error.logText),
      onSessionOver() {},
    };
    const mode: PoolMode = this.#random.chance(0.75) ? "transaction" : "session";
    this.#recipe = this.#recipeOf(1 + this.#random.below(3), 5432);
    this.#allowedServers = this.#recipe.limits.size;
    const net: DialEnvironment = {
      clock: this.#clock,
      logger: this.#logger(),
      kernel: KERNEL,
      connect: () => this.#dial(),
    };
    this.#ownerOfTransports = { environment: net, onTransportClosed() {} };
    this.#pool = new ServerPool(
      { tenant: "simulated", mode },
      this.#recipe,
      this.#statements,
      {
        net,
        ticker: new Ticker({
          clock: this.#clock,
          onFault: (error) => this.#faults.push(String(error)),
        }),
        random: this.#random,
        logger: net.logger,
        scratch: this.#scratch,
        counters: this.#counters,
        limits: {
          cancelTimeoutMs: 2000,
          scramIterationsMax: 4096,
          serverStatementsMax: 1 + this.#random.below(4),
        },
      },
      () => {},
    );
    if (broken !== null) sabotage(broken, this.#pool);
    this.#note(`${mode} pool of ${this.#recipe.limits.size}, ${this.#rough ? "rough" : "calm"}`);
  }

  /** What happened, step by step. */
  get trace(): readonly string[] {
    return this.#trace;
  }

  /** Runs the schedule. @throws at the first broken invariant */
  run(): void {
    const clients = 1 + this.#random.below(4);
    for (let index = 0; index < clients; index += 1) this.#join();
    for (let step = 20 + this.#random.below(200); step > 0; step -= 1) {
      this.#step();
      this.#check();
    }
    this.#finish();
  }

  isSlow(): boolean {
    return !this.#draining && this.#random.chance(0.15);
  }

  onCancelRequest(processId: number): void {
    this.#note(`cancel request for backend ${processId}`);
    const target = this.#backends.find((backend) => backend.processId === processId);
    target?.strike();
  }

  onStruck(sql: string): void {
    this.#note(`the cancel strikes: ${sql}`);
    const tag = /\b(c\d+)q\d+/.exec(sql)?.[1];
    const target = this.#clients.find((client) => client.tag === tag);
    if (target !== undefined && !target.mayBeStruck && !sql.includes("set_config"))
      throw new Error(`a cancel of another's hit ${sql}`);
  }

  onMessage(backend: SimBackend, message: string): void {
    this.#note(`backend ${backend.processId} reads ${message.replaceAll(/[^\x20-\x7e]+/g, "·")}`);
  }

  onHandedOn(backend: SimBackend, owner: string): void {
    throw new Error(`backend ${backend.processId} was lent to ${owner} inside a transaction`);
  }

  #step(): void {
    const choice = this.#random.below(100);
    if (choice < 18) this.#say();
    else if (choice < 84) this.#move();
    else if (choice < 88) this.#completeDial(!this.#rough || this.#random.chance(0.9));
    else if (choice < 92) this.#release();
    else if (choice < 94) this.#advance(1 + this.#random.below(200));
    else if (!this.#rough) this.#move();
    else this.#disturb();
    drainMicrotasks();
  }

  #disturb(): void {
    switch (this.#random.below(8)) {
      case 0:
      case 1:
        return this.#cancel();
      case 2:
        return this.#hangUp();
      case 3:
        return this.#kill();
      case 4:
        return this.#reconfigure();
      case 5:
        return this.#join();
      case 6:
        return this.#advance(this.#random.below(8000));
      default:
        return this.#cancel();
    }
  }

  #join(): void {
    const present = this.#clients.filter((client) => !client.gone).length;
    if (present >= CLIENTS_MAX) return;
    this.#joined += 1;
    const tag = `c${this.#joined}`;
    const client = new SimClient(tag, clientScript(this.#random, tag, 12));
    const window = this.#random.pick([40, 400, 10_000]);
    const connection = new FakeConnection(window, client, this.#ownerOfTransports);
    const state = new ClientState(
      this.#statements,
      this.#pool.settings,
      this.#pool.settings.intern(new Map()),
    );
    const session = new ClientSession({
      channel: connection.transport,
      pool: this.#pool,
      client: state,
      limits: FRONTEND_LIMITS,
      scratch: this.#scratch,
      owner: this.#sessionOwner,
      secretBytes: 4,
    });
    client.attach(connection, session);
    if (this.#times.limited) {
      client.disturb("its times are limited");
      client.mayBeStruck = true;
    }
    this.#clients.push(client);
    this.#note(`${tag} joins`);
    session.start(null, null);
  }

  #say(): void {
    const talkers = this.#clients.filter((client) => client.hasMore && client.key !== null);
    if (talkers.length === 0) return this.#move();
    const client = this.#random.pick(talkers);
    this.#note(`${client.tag} says ${client.say()}`);
  }

  /** Lets some bytes arrive somewhere. */
  #move(): void {
    const moves = this.#moves();
    if (moves.length === 0) return;
    const [name, move] = this.#random.pick(moves);
    const count = this.#random.pick([1, 5, 30, 200, 10_000]);
    this.#note(`${name}: ${count} bytes`);
    move(count);
  }

  #moves(): [string, (count: number) => void][] {
    const moves: [string, (count: number) => void][] = [];
    for (const { tag, connection } of this.#clients)
      if (connection !== null) pushMoves(moves, tag, connection);
    for (const { processId, connection } of this.#backends)
      if (connection !== null) pushMoves(moves, `backend ${processId}`, connection);
    return moves;
  }

  #completeDial(well: boolean): void {
    const dialing = this.#dialing.shift();
    if (dialing === undefined) return;
    this.#note(well ? "a dial succeeds" : "a dial fails");
    if (!well) {
      this.#disturbAll("a dial failed");
      return dialing.reject(new ConnectError("refused", "simulated", 5432, "ECONNREFUSED"));
    }
    const backend = new SimBackend(this.#backends.length + 1, this);
    const window = this.#random.pick([60, 600, 10_000]);
    const connection = new FakeConnection(window, backend, this.#ownerOfTransports);
    backend.attach(connection);
    this.#backends.push(backend);
    dialing.resolve(connection.transport);
  }

  #release(): void {
    const held = this.#backends.filter((backend) => backend.held);
    if (held.length === 0) return;
    const backend = this.#random.pick(held);
    this.#note(`backend ${backend.processId} has done its query`);
    backend.release();
  }

  #advance(ms: number): void {
    this.#note(`${ms} ms pass`);
    if (this.#rough && ms > 200) this.#disturbAll("time passed");
    this.#clock.advance(ms);
  }

  #cancel(): void {
    const present = this.#clients.filter((client) => !client.gone && client.key !== null);
    if (present.length === 0) return;
    const client = this.#random.pick(present);
    if (client.key === null) return;
    this.#note(`${client.tag} cancels`);
    client.disturb("cancelled");
    client.mayBeStruck = true;
    this.#cancels.cancel(client.key.processId, client.key.secretKey);
  }

  #hangUp(): void {
    const present = this.#clients.filter((client) => !client.gone);
    if (present.length === 0) return;
    const client = this.#random.pick(present);
    client.disturb("hung up");
    client.mayBeStruck = true;
    client.gone = true;
    const way = this.#random.below(3);
    this.#note(`${client.tag} leaves ${["with Terminate", "in good order", "by reset"][way]}`);
    if (way === 0) client.connection?.send(TERMINATE);
    if (way === 2) client.connection?.reset(this.#random.below(30));
    else client.connection?.end();
  }

  #kill(): void {
    const serving = this.#backends.filter((backend) => backend.serving);
    if (serving.length === 0) return;
    const backend = this.#random.pick(serving);
    this.#note(`backend ${backend.processId} dies`);
    this.#disturbAll("a server died");
    backend.die(this.#random.chance(0.5), this.#random.below(40));
  }

  #reconfigure(): void {
    const size = 1 + this.#random.below(3);
    const port = this.#recipe.address.port + this.#random.below(2);
    this.#note(`the pool becomes one of ${size}, port ${port}`);
    this.#recipe = this.#recipeOf(size, port);
    this.#allowedServers = Math.max(this.#allowedServers, size);
    this.#pool.reconfigure(this.#recipe);
  }

  /** Waiters may be refused, servers may be lost, from here on. */
  #disturbAll(why: string): void {
    for (const client of this.#clients) client.disturb(why);
  }

  #check(): void {
    const fault = this.#faults[0];
    if (fault !== undefined) throw new Error(fault);
    if (this.#counters.desyncTotal > 0) throw new Error("a server was found out of step");
    if (!this.#scratch.toClient.empty || !this.#scratch.toServer.empty)
      throw new Error("shared writers keep bytes between two events");
    const { size } = this.#recipe.limits;
    if (this.#pool.servers > this.#allowedServers)
      throw new Error(`${this.#pool.servers} servers where ${this.#allowedServers} are allowed`);
    this.#allowedServers = Math.max(size, Math.min(this.#allowedServers, this.#pool.servers));
    this.#checkConnections();
  }

  #checkConnections(): void {
    let serving = 0;
    for (const { serving: isServing, connection } of this.#backends) {
      if (connection === null || connection.closed) continue;
      if (isServing) serving += 1;
      if (connection.transport.pendingBytes > PENDING_BYTES_MAX)
        throw new Error("a server's buffer is over its limit");
    }
    if (serving > this.#allowedServers)
      throw new Error(`PostgreSQL counts ${serving} servers, ${this.#allowedServers} are allowed`);
    for (const { connection, tag } of this.#clients)
      if ((connection?.transport.pendingBytes ?? 0) > PENDING_BYTES_MAX)
        throw new Error(`the buffer of ${tag} is over its limit`);
  }

  /** Everything goes well from here on: all is answered, then all leave, then nothing may be left. */
  #finish(): void {
    this.#draining = true;
    this.#note("from here on all goes well");
    this.#settle();
    for (const client of this.#clients) client.checkComplete();
    this.#pool.close(new ServerLostError(null));
    this.#settle();
    this.#clock.advance(120_000);
    this.#settle();
    this.#checkNothingLeft();
  }

  #settle(): void {
    for (let round = 0; round < DRAIN_ROUNDS_MAX; round += 1) {
      const moved = this.#settleOnce();
      drainMicrotasks();
      this.#check();
      if (moved) continue;
      if (this.#quiet) return;
      this.#clock.advance(500);
      drainMicrotasks();
    }
    for (const client of this.#clients) client.checkComplete();
    const present = this.#clients.filter((client) => !client.gone);
    throw new Error(`it does not come to rest for ${present.map(({ tag }) => tag).join(" ")}`);
  }

  /** Whether all have said and heard all, and left. */
  get #quiet(): boolean {
    return this.#clients.every((client) => client.gone);
  }

  #settleOnce(): boolean {
    let moved = false;
    for (const [, move] of this.#moves()) {
      move(10_000);
      moved = true;
    }
    for (const backend of this.#backends) {
      if (!backend.held) continue;
      backend.release();
      moved = true;
    }
    while (this.#dialing.length > 0) {
      this.#completeDial(true);
      moved = true;
    }
    for (const client of this.#clients) {
      if (client.gone || client.key === null) continue;
      if (client.done) client.leave();
      else if (client.hasMore) this.#note(`${client.tag} says ${client.say()}`);
      else continue;
      moved = true;
    }
    return moved;
  }

  #checkNothingLeft(): void {
    const left = {
      servers: this.#pool.servers,
      clients: this.#pool.clients,
      statements: this.#statements.size,
      settings: this.#pool.settings.size - 1,
      keys: this.#cancels.size,
      timers: this.#clock.pending,
      connections: this.#backends.filter((backend) => backend.connection?.closed === false).length,
    };
    for (const [name, count] of Object.entries(left))
      if (count !== 0) throw new Error(`${count} ${name} are left at the end`);
  }

  #dial(): Promise<Transport> {
    const { promise, resolve, reject } = Promise.withResolvers<Transport>();
    this.#dialing.push({ resolve, reject });
    return promise;
  }

  #recipeOf(size: number, port: number): PoolRecipe {
    const limits: PoolLimits = {
      size,
      sizeMin: 0,
      reserve: 0,
      reserveAfterMs: 5000,
      checkoutTimeoutMs: 60_000,
      connectDeadlineMs: 5000,
      idleTimeoutMs: 20_000,
      lifetimeMs: 60_000,
      retryMinMs: 100,
      retryMaxMs: 1000,
    };
    const address = { hostname: "simulated", port, ipVersion: "auto", tls: null } as const;
    return {
      address,
      user: "u",
      database: "d",
      secret: null,
      clientsMax: 100,
      limits,
      times: this.#times,
    };
  }

  #logger(): Logger {
    return {
      debug() {},
      info() {},
      warn() {},
      error: (fields, message) => void this.#faults.push(`${message} ${JSON.stringify(fields)}`),
    };
  }

  #note(line: string): void {
    this.#trace.push(`${this.#clock.now()} ms  ${line}`);
  }
}

function pushMoves(
  moves: [string, (count: number) => void][],
  name: string,
  connection: FakeConnection,
): void {
  if (connection.poolerMayRead)
    moves.push([`from ${name}`, (count) => connection.deliverToPooler(count)]);
  if (connection.peerMayRead)
    moves.push([`to ${name}`, (count) => connection.deliverToPeer(count)]);
}

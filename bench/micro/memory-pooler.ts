/**
 * One pool of one server, in memory: clients' sessions, the pool and the server's connection are the real
 * ones; sockets and PostgreSQL are not. A query goes to the server in one call, and back in another.
 */

import { SystemClock } from "../../src/app/system/system-clock.ts";
import { SystemRandom } from "../../src/app/system/system-random.ts";
import { SystemWallClock } from "../../src/app/system/system-wall-clock.ts";
import type { Logger } from "../../src/base/logger.ts";
import type { DialEnvironment } from "../../src/net/dial.ts";
import { KernelOptions } from "../../src/net/kernel-options.ts";
import type { TransportOwner } from "../../src/net/transport.ts";
import { PoolGroup } from "../../src/pool/pool-group.ts";
import { Ticker } from "../../src/pool/ticker.ts";
import { CancelRegistry } from "../../src/proxy/cancel/cancel-registry.ts";
import { ClientSession } from "../../src/proxy/client/client-session.ts";
import type { SessionOwner } from "../../src/proxy/client/session-owner.ts";
import { type SessionTimes, sessionTimes } from "../../src/proxy/client/session-times.ts";
import { LastErrors } from "../../src/proxy/last-errors.ts";
import { Welcomes } from "../../src/proxy/login/welcomes.ts";
import { PoolerCounters } from "../../src/proxy/pooler-counters.ts";
import type { PoolRecipe } from "../../src/proxy/pools/pool-recipe.ts";
import { ServerPool } from "../../src/proxy/pools/server-pool.ts";
import { RelayScratch } from "../../src/proxy/server/relay-scratch.ts";
import { ClientState } from "../../src/session/client-state.ts";
import { StatementInterner } from "../../src/session/statements/statement.ts";
import { authenticationOk, readyForQueryIdle } from "../load/backend-messages.ts";
import { MemoryTransport } from "./memory-transport.ts";

const SILENT: Logger = { debug() {}, info() {}, warn() {}, error: (_fields, text) => fail(text) };

const LIMITS = { messageBytesMax: 2 ** 30, statementBytesMax: 2 ** 20, clientStatementsMax: 1000 };

const NO_TIMES = {
  clientIdleMs: 0,
  idleTransactionMs: 0,
  queryMs: 0,
  transactionMs: 0,
  heartbeatSeconds: 0,
  checkDelayMs: 30_000,
};

/** Every time of a client is limited; none comes in a benchmark. */
export const EVERY_TIME: SessionTimes = sessionTimes({
  clientIdleMs: 600_000,
  idleTransactionMs: 60_000,
  queryMs: 60_000,
  transactionMs: 60_000,
  heartbeatSeconds: 0,
  checkDelayMs: 30_000,
});

const RECIPE: PoolRecipe = {
  address: { hostname: "memory", port: 5432, ipVersion: "auto", tls: null },
  user: "u",
  database: "d",
  secrets: { secret: null, previous: null },
  hiddenStateCheck: 0,
  clientsMax: 1000,
  parameterDefaults: null,
  pins: { max: 1, here: 1 },
  limits: {
    size: 1,
    lendingOrder: "fifo",
    sizeMin: 0,
    reserve: 0,
    reserveAfterMs: 5000,
    checkoutTimeoutMs: 60_000,
    connectDeadlineMs: 5000,
    idleTimeoutMs: 600_000,
    lifetimeMs: 3_600_000,
    retryMinMs: 100,
    retryMaxMs: 1000,
  },
  times: sessionTimes(NO_TIMES),
};

const ATTEMPTS = { unprovenAttemptsMax: 1, failFastAfterMs: 5000 };

/** What the server says to a StartupMessage: it trusts everybody. */
const WELCOME = Buffer.concat([authenticationOk(), readyForQueryIdle()]);

export class MemoryPooler {
  readonly #clock = new SystemClock();
  readonly #random = new SystemRandom();
  readonly #scratch = new RelayScratch(this.#clock);
  readonly #statements = new StatementInterner();
  readonly #environment: DialEnvironment;
  readonly #transports: TransportOwner;
  readonly #sessions: SessionOwner;
  readonly #pool: ServerPool;
  #server: MemoryTransport | null = null;
  #received = 0;

  /** @param times how long its clients may do what */
  constructor(times: SessionTimes = RECIPE.times) {
    this.#environment = {
      clock: this.#clock,
      logger: SILENT,
      kernel: new KernelOptions([]),
      connect: () => Promise.resolve(this.#openServer().transport),
    };
    this.#transports = { environment: this.#environment, onTransportClosed() {} };
    this.#sessions = {
      cancels: new CancelRegistry(0, 0, this.#random),
      welcomes: new Welcomes(),
      onFault: fail,
      onSessionOver() {},
    };
    this.#pool = new ServerPool(
      { tenant: "micro", user: "micro", mode: "transaction" },
      { ...RECIPE, times },
      {
        statements: this.#statements,
        group: new PoolGroup(1, ATTEMPTS, this.#random),
        permits: null,
        key: "micro",
      },
      {
        wallClock: new SystemWallClock(),
        net: this.#environment,
        ticker: new Ticker({ clock: this.#clock, onFault: fail }),
        random: this.#random,
        logger: SILENT,
        scratch: this.#scratch,
        counters: new PoolerCounters(),
        lastErrors: new LastErrors({ iso: () => "2026-01-01T00:00:00.000Z" }),
        limits: {
          cancelTimeoutMs: 5000,
          scramIterationsMax: 100_000,
          serverStatementsMax: 200,
          tenantStatementBytesMax: 268_435_456,
        },
      },
      () => {},
    );
  }

  /** How many bytes all clients have got. */
  get received(): number {
    return this.#received;
  }

  /** A client that is logged in. What it receives, the session reads. */
  async join(): Promise<MemoryTransport> {
    const client = new MemoryTransport((_bytes, start, end) => {
      this.#received += end - start;
    }, this.#transports);
    const before = this.#received;
    const { settings } = this.#pool;
    const session = new ClientSession({
      owner: this.#sessions,
      channel: client.transport,
      pool: this.#pool,
      client: new ClientState(this.#statements, settings, settings.intern(new Map())),
      limits: LIMITS,
      scratch: this.#scratch,
      ticketHolder: null,
      ticketParts: null,
      isMovable: false,
      secretBytes: 4,
    });
    session.start(null, null);
    // The first client waits for a server, whose login takes some turns.
    while (this.#received === before) await Bun.sleep(1);
    return client;
  }

  /** The server sends. */
  reply(bytes: Buffer): void {
    this.#server?.receive(bytes);
  }

  /** Answers the StartupMessage once the login listens, and nothing else by itself. */
  #openServer(): MemoryTransport {
    let welcomed = false;
    const server = new MemoryTransport(() => {
      if (!welcomed) queueMicrotask(() => server.receive(WELCOME));
      welcomed = true;
    }, this.#transports);
    this.#server = server;
    return server;
  }
}

/** A measurement of what went wrong is none. */
function fail(fault: unknown): never {
  throw new Error(`the pooler under measurement failed: ${String(fault)}`);
}

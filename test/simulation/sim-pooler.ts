/**
 * The pooler of a schedule: a real pool of real servers with real sessions, over a network and a clock
 * that are given to it, and what it said of faults.
 */

import type { Logger } from "../../src/base/logger.ts";
import type { PoolerError } from "../../src/base/pooler-error.ts";
import type { DialEnvironment } from "../../src/net/dial.ts";
import { KernelOptions } from "../../src/net/kernel-options.ts";
import type { Transport, TransportOwner } from "../../src/net/transport.ts";
import { PoolGroup } from "../../src/pool/pool-group.ts";
import type { PoolLimits } from "../../src/pool/pool-limits.ts";
import { Ticker } from "../../src/pool/ticker.ts";
import { CancelRegistry } from "../../src/proxy/cancel/cancel-registry.ts";
import { ClientSession } from "../../src/proxy/client/client-session.ts";
import type { SessionOwner } from "../../src/proxy/client/session-owner.ts";
import { LastErrors } from "../../src/proxy/last-errors.ts";
import { Welcomes } from "../../src/proxy/login/welcomes.ts";
import { PoolerCounters } from "../../src/proxy/pooler-counters.ts";
import type { PoolRecipe } from "../../src/proxy/pools/pool-recipe.ts";
import { ServerPool } from "../../src/proxy/pools/server-pool.ts";
import type { ServerPoolEnvironment } from "../../src/proxy/pools/server-pool-environment.ts";
import type { RelayScratch } from "../../src/proxy/server/relay-scratch.ts";
import { ClientState } from "../../src/session/client-state.ts";
import { RunWriter } from "../../src/session/relay/run-writer.ts";
import { StatementInterner } from "../../src/session/statements/statement.ts";
import { SqlReader } from "../../src/sql/sql-reader.ts";
import type { FakeClock } from "../support/fake-clock.ts";
import { GRAMMAR } from "../support/grammar.ts";
import type { FakeConnection } from "./fake-connection.ts";
import type { SchedulePlan } from "./schedule-plan.ts";
import type { SeededRandom } from "./seeded-random.ts";

export const STATEMENT_BYTES_MAX = 600;
export const CLIENT_STATEMENTS_MAX = 3;
const FRONTEND_LIMITS = {
  messageBytesMax: 1_000_000,
  statementBytesMax: STATEMENT_BYTES_MAX,
  clientStatementsMax: CLIENT_STATEMENTS_MAX,
};
const CANCEL_TIMEOUT_MS = 2000;
const PORT = 5432;

/** What schedules share that run one after the other, because it is dear to make: empty between two. */
export class SharedWriters {
  readonly toClient = new RunWriter();
  readonly toServer = new RunWriter();

  /** A schedule that failed may have left bytes. */
  reset(): void {
    this.toClient.reset();
    this.toServer.reset();
  }
}

/** The kernel's options are of no consequence here, and libc is looked for once. */
const KERNEL = new KernelOptions([]);

export interface SimPoolerOptions {
  readonly plan: SchedulePlan;
  readonly limits: PoolLimits;
  readonly random: SeededRandom;
  readonly clock: FakeClock;
  readonly writers: SharedWriters;
  readonly connect: () => Promise<Transport>;
}

/** Who comes after a failure must not hear of it: the invariants know only who was there. */
const ATTEMPTS = { unprovenAttemptsMax: 2, failFastAfterMs: Number.POSITIVE_INFINITY };

export class SimPooler {
  readonly pool: ServerPool;
  readonly cancels: CancelRegistry;
  readonly statements = new StatementInterner(new SqlReader(GRAMMAR));
  readonly counters = new PoolerCounters();
  readonly scratch: RelayScratch;
  readonly transportOwner: TransportOwner;
  readonly #plan: SchedulePlan;
  readonly #random: SeededRandom;
  readonly #faults: string[] = [];
  readonly #sessionOwner: SessionOwner;
  #limits: PoolLimits;
  #port = PORT;

  constructor({ plan, limits, random, clock, writers, connect }: SimPoolerOptions) {
    this.#plan = plan;
    this.#random = random;
    this.#limits = limits;
    this.scratch = { clock, toClient: writers.toClient, toServer: writers.toServer };
    this.cancels = new CancelRegistry(0, 0, random);
    this.#sessionOwner = {
      cancels: this.cancels,
      welcomes: new Welcomes(),
      onFault: (error) => this.blame(error.logText),
      onSessionOver() {},
    };
    const logger = this.#logger();
    const net: DialEnvironment = { clock, logger, kernel: KERNEL, connect };
    this.transportOwner = { environment: net, onTransportClosed() {} };
    this.pool = new ServerPool(
      { tenant: "simulated", user: "simulated", mode: plan.mode },
      this.#recipeOf(limits),
      {
        statements: this.statements,
        group: new PoolGroup(Number.POSITIVE_INFINITY, ATTEMPTS, random),
        permits: null,
        key: "simulated",
      },
      this.#environment(net),
      () => {},
    );
  }

  /** The first thing that went wrong in itself; null: nothing did. */
  get fault(): string | null {
    if (this.counters.desyncTotal > 0) return `a server was out of step: ${this.#faults.at(-1)}`;
    return this.#faults[0] ?? null;
  }

  /** Notes a fault. */
  blame(fault: string): void {
    this.#faults.push(fault);
  }

  /** What it was told to keep to. */
  get limits(): PoolLimits {
    return this.#limits;
  }

  /** Returns the session of a client that has just logged in with these settings, not yet started. */
  newSession(connection: FakeConnection, startup: ReadonlyMap<string, string>): ClientSession {
    const { settings } = this.pool;
    return new ClientSession({
      channel: connection.transport,
      pool: this.pool,
      client: new ClientState(this.statements, settings, settings.intern(startup)),
      limits: FRONTEND_LIMITS,
      scratch: this.scratch,
      owner: this.#sessionOwner,
      ticketHolder: null,
      ticketParts: null,
      isMovable: false,
      secretBytes: 4,
    });
  }

  /** Other limits, and servers somewhere else if so wished. */
  reconfigure(limits: PoolLimits, elsewhere: boolean): void {
    if (elsewhere) this.#port += 1;
    this.#limits = limits;
    this.pool.reconfigure(this.#recipeOf(limits));
  }

  /** @param error what clients are told that still wait */
  close(error: PoolerError): void {
    this.pool.close(error);
  }

  #recipeOf(limits: PoolLimits): PoolRecipe {
    return {
      address: { hostname: "simulated", port: this.#port, ipVersion: "auto", tls: null },
      user: "u",
      database: "d",
      secrets: { secret: null, previous: null },
      hiddenStateCheck: 0,
      clientsMax: 100,
      parameterDefaults: null,
      pins: { max: 1000, here: 1000 },
      limits,
      times: this.#plan.times,
    };
  }

  #environment(net: DialEnvironment): ServerPoolEnvironment {
    const { serverStatementsMax } = this.#plan;
    const onFault = (error: unknown): void => this.blame(String(error));
    return {
      net,
      wallClock: { iso: () => "2026-01-01T00:00:00.000Z" },
      ticker: new Ticker({ clock: net.clock, onFault }),
      random: this.#random,
      logger: net.logger,
      scratch: this.scratch,
      counters: this.counters,
      lastErrors: new LastErrors({ iso: () => "2026-01-01T00:00:00.000Z" }),
      limits: {
        cancelTimeoutMs: CANCEL_TIMEOUT_MS,
        scramIterationsMax: 4096,
        serverStatementsMax,
        tenantStatementBytesMax: 268_435_456,
      },
    };
  }

  #logger(): Logger {
    return {
      debug() {},
      info() {},
      warn() {},
      error: (fields, message) => this.blame(`${message} ${JSON.stringify(fields)}`),
    };
  }
}

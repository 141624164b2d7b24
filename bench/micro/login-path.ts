/**
 * What a connection costs between the sockets: StartupMessage, SCRAM, the welcome, Terminate. Edge, owner and
 * pool are the real ones; the sockets, PostgreSQL and the store of tenants are memory. Nonces are always the
 * same, so that what one client said can be said again by the next.
 */

import { bench } from "mitata";
import { SystemClock } from "../../src/app/system/system-clock.ts";
import { SystemWallClock } from "../../src/app/system/system-wall-clock.ts";
import type { Logger } from "../../src/base/logger.ts";
import { ClientGate } from "../../src/edge/client-gate.ts";
import { ClientStartup, type ClientStartupParts } from "../../src/edge/client-startup.ts";
import { ProxyTrust } from "../../src/edge/proxy-trust.ts";
import { TenantResolver } from "../../src/edge/tenant-resolver.ts";
import type { DialEnvironment } from "../../src/net/dial.ts";
import { KernelOptions } from "../../src/net/kernel-options.ts";
import type { TransportOwner } from "../../src/net/transport.ts";
import { Ticker } from "../../src/pool/ticker.ts";
import { CancelRegistry } from "../../src/proxy/cancel/cancel-registry.ts";
import { LastErrors } from "../../src/proxy/last-errors.ts";
import { AddressBans } from "../../src/proxy/login/address-bans.ts";
import { Admission } from "../../src/proxy/login/admission.ts";
import { AuthQueries } from "../../src/proxy/login/auth-queries.ts";
import { Verifiers } from "../../src/proxy/login/verifiers.ts";
import { Owner } from "../../src/proxy/owner.ts";
import { PoolerCounters } from "../../src/proxy/pooler-counters.ts";
import { PoolRegistry } from "../../src/proxy/pools/pool-registry.ts";
import { RelayScratch } from "../../src/proxy/server/relay-scratch.ts";
import { SqlReader } from "../../src/sql/sql-reader.ts";
import type { StoredTenant } from "../../src/tenants/tenant.ts";
import { TenantDirectory } from "../../src/tenants/tenant-directory.ts";
import type { TenantStore } from "../../src/tenants/tenant-store.ts";
import { validateTenant } from "../../src/tenants/validate-tenant.ts";
import { authenticationOk, commandComplete, readyForQueryIdle } from "../load/backend-messages.ts";
import { terminate } from "../load/frontend-messages.ts";
import { Login } from "../load/login.ts";
import { SaltedPasswords } from "../load/password-exchange.ts";
import { MemoryTransport } from "./memory-transport.ts";

const TARGET = { host: "memory", port: 5432, user: "u", password: "secret", database: "d" };

const LIMITS = {
  authFailureLimit: 10,
  authFailureWindowMs: 150_000,
  authFailureBanMs: 120_000,
  jitTimeoutMs: 5000,
  clientLoginTimeoutMs: 60_000,
  messageBytesMax: 2 ** 30,
  statementBytesMax: 2 ** 20,
  clientStatementsMax: 1000,
  cancelTimeoutMs: 5000,
  scramIterationsMax: 100_000,
  serverStatementsMax: 200,
  tenantStatementBytesMax: 268_435_456,
};

const TIMES = {
  unprovenAttemptsMax: 4,
  failFastAfterMs: 5000,
  maxTenantPools: 50,
  poolCheckoutTimeoutMs: 60_000,
  serverConnectTimeoutMs: 5000,
  serverIdleTimeoutMs: 600_000,
  serverLifetimeMs: 3_600_000,
  serverLoginRetryMs: 1000,
  serverCheckDelayMs: 30_000,
  hiddenStateCheck: 0,
  minPoolSize: 0,
  maxPins: null,
  reservePoolSize: 0,
  reservePoolTimeoutMs: 5000,
  clientIdleTimeoutMs: 0,
  idleTransactionTimeoutMs: 0,
  queryTimeoutMs: 0,
  transactionTimeoutMs: 0,
  certificateAuthority: null,
};

const SILENT: Logger = { debug() {}, info() {}, warn() {}, error: (_fields, text) => fail(text) };

const WELCOME = Buffer.concat([authenticationOk(), readyForQueryIdle()]);
const SETTINGS_TAKEN = Buffer.concat([commandComplete("SELECT 1"), readyForQueryIdle()]);

/** Returns what adds the bench. */
export async function prepareLoginPath(): Promise<() => void> {
  const edge = new MemoryEdge();
  const said = await recordLogin(edge);
  await edge.replay(said);
  return () => {
    bench("login by SCRAM, and Terminate", async () => {
      await edge.replay(said);
    });
  };
}

class MemoryEdge {
  readonly #clock = new SystemClock();
  readonly #parts: ClientStartupParts;
  readonly #transports: TransportOwner;
  readonly #environment: DialEnvironment;

  constructor() {
    const clock = this.#clock;
    this.#environment = {
      clock,
      logger: SILENT,
      kernel: new KernelOptions([]),
      connect: () => Promise.resolve(this.#openServer().transport),
    };
    this.#transports = { environment: this.#environment, onTransportClosed() {} };
    const directory = new TenantDirectory({
      store: storeOf(tenant()),
      clock,
      logger: SILENT,
      tenantsMax: 10,
      onChanged() {},
    });
    this.#parts = {
      clock,
      logger: SILENT,
      owner: this.#ownerOf(directory),
      resolver: new TenantResolver(directory, { tenantByDatabase: false, defaultTenant: "t" }),
      tls: null,
      timeoutMs: LIMITS.clientLoginTimeoutMs,
      gate: new ClientGate({
        open: 1,
        max: 1000,
        limit: 1000,
        heardMax: 1000,
        shortage: null,
        makeRoom: () => null,
      }),
      proxyTrust: new ProxyTrust("off", []),
    };
  }

  /** A client at the edge. `hear` gets what it is told, valid during the call. */
  connect(hear: (bytes: Uint8Array, start: number, end: number) => void): MemoryTransport {
    const client = new MemoryTransport(hear, this.#transports);
    new ClientStartup(client.transport, "transaction", this.#parts).start();
    return client;
  }

  /** One client says all this, each message when it has been answered. */
  async replay(said: readonly Buffer[]): Promise<void> {
    const heard = { messages: 0 };
    const client = this.connect(() => {
      heard.messages += 1;
    });
    for (const message of said) {
      const before = heard.messages;
      client.receive(message);
      while (heard.messages === before) await Promise.resolve();
    }
    client.receive(terminate());
  }

  #ownerOf(directory: TenantDirectory): Owner {
    const clock = this.#clock;
    const random = { bytes: (count: number) => new Uint8Array(count).fill(7) };
    const counters = new PoolerCounters();
    const scratch = new RelayScratch(clock);
    const wallClock = new SystemWallClock();
    const lastErrors = new LastErrors(wallClock);
    const shared = { wallClock, random, logger: SILENT, scratch, counters, lastErrors };
    const net = this.#environment;
    const ticker = new Ticker({ clock, onFault: fail });
    const addressBans = new AddressBans(LIMITS, clock, wallClock);
    const pools = new PoolRegistry(
      { ...shared, net, ticker, limits: LIMITS, reader: new SqlReader(), permits: null },
      TIMES,
    );
    const settings = { ...LIMITS, authQueryCacheMs: 0, authQueryTimeoutMs: 5000 };
    return new Owner({
      ...shared,
      ticker,
      clock,
      directory,
      pools,
      authQueries: new AuthQueries({ ...shared, net, ticker, settings }, pools, TIMES),
      cancels: new CancelRegistry(0, 0, random),
      admission: new Admission(wallClock, addressBans),
      failedLogins: addressBans,
      census: null,
      verifiers: new Verifiers(new Uint8Array(32)),
      environment: net,
      authMethod: "scram-sha-256",
      limits: LIMITS,
    });
  }

  /** Believes everybody, and takes the one Query of a client's first login: that for its settings. */
  #openServer(): MemoryTransport {
    const replies = [WELCOME, SETTINGS_TAKEN];
    const server = new MemoryTransport(() => {
      const reply = replies.shift();
      if (reply !== undefined) queueMicrotask(() => server.receive(reply));
    }, this.#transports);
    return server;
  }
}

/** Returns what a load client says in a login, message by message. */
async function recordLogin(edge: MemoryEdge): Promise<Buffer[]> {
  const said: Buffer[] = [];
  const { promise: loggedIn, resolve } = Promise.withResolvers<void>();
  const client = edge.connect((bytes, start, end) => {
    if (login.receive(Buffer.from(bytes.slice(start, end)))) resolve();
  });
  const login = new Login(TARGET, new SaltedPasswords(), (bytes) => {
    said.push(bytes);
    queueMicrotask(() => client.receive(bytes));
  });
  login.start();
  await loggedIn;
  client.receive(terminate());
  return said;
}

function tenant(): StoredTenant {
  const checked = validateTenant(
    {
      external_id: "t",
      db_host: "memory",
      db_port: 5432,
      db_database: TARGET.database,
      users: [{ db_user: TARGET.user, db_password: TARGET.password }],
    },
    { globalUpstreamCa: false },
  );
  if (!checked.ok) throw new Error(JSON.stringify(checked.problems));
  return { ...checked.value, id: "1", inserted_at: "", updated_at: "" };
}

/** A store that has this one tenant, and is asked for nothing else. */
function storeOf(only: StoredTenant): TenantStore {
  return {
    clusters: { get: unasked, list: unasked, put: unasked, delete: unasked },
    get: (externalId) => Promise.resolve(externalId === only.external_id ? only : null),
    getMany: unasked,
    findBySni: unasked,
    hostnameOwners: unasked,
    list: unasked,
    write: unasked,
    changeToken: unasked,
    changedSince: unasked,
    close: unasked,
  };
}

function unasked(): never {
  return fail("the store was asked what no login asks");
}

/** A measurement of what went wrong is none. */
function fail(fault: unknown): never {
  throw new Error(`the pooler under measurement failed: ${String(fault)}`);
}

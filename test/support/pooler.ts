/**
 * A whole pooler inside the test's process: a store of its own, ports of its own, a tenant `dev` that
 * leads to a {@link PostgresBehind}.
 */

import { join } from "node:path";
import { openStore } from "../../src/app/open-store.ts";
import { SystemClock } from "../../src/app/system/system-clock.ts";
import { SystemRandom } from "../../src/app/system/system-random.ts";
import type { LogFields, Logger } from "../../src/base/logger.ts";
import type { WallClock } from "../../src/base/wall-clock.ts";
import { Ownership } from "../../src/cluster/ownership.ts";
import { loadConfig } from "../../src/config/load-config.ts";
import type { Config } from "../../src/config/settings.ts";
import type { PortMode } from "../../src/net/channel-opening.ts";
import type { TenantStore } from "../../src/tenants/tenant-store.ts";
import { validateTenant } from "../../src/tenants/validate-tenant.ts";
import { GRAMMAR } from "./grammar.ts";
import { present } from "./present.ts";
import { makeTemporaryFolder, type TemporaryFolder } from "./temporary-folder.ts";
import { LonePooler, type TestedPooler } from "./tested-pooler.ts";
import { WorkerNode } from "./worker-node.ts";
import { TEST_HOP, TEST_WORKERS } from "./workers.ts";

const HOP_WORKERS = 2;

export interface TestPoolerOptions {
  /** Settings as environment variables. */
  readonly env?: Readonly<Record<string, string>>;
  /** What a setting's range forbids to operators but a test needs, say a timeout of 200 ms. */
  readonly config?: Partial<Config>;
  /** Fields of the tenant `dev` beyond where it is. */
  readonly tenant?: Readonly<Record<string, unknown>>;
  /** Fields of its user beyond name and password. */
  readonly user?: Readonly<Record<string, unknown>>;
  /** Gets every line, of every level, instead of {@link TestPooler.lines}. */
  readonly logger?: Logger;
  /** The calendar; the machine's own by default. */
  readonly wallClock?: WallClock;
  /** How many; what {@link TEST_WORKERS} says by default. */
  readonly workers?: number;
  /**
   * Two workers, of which the one that does not own `dev` takes all clients: what they say and are told goes over
   * a link. {@link TEST_HOP} by default.
   */
  readonly hop?: boolean;
}

/** The PostgreSQL that the tenant leads to: a TestPostgres, or one in another process. */
export interface PostgresBehind {
  readonly port: number;
  readonly superuser: string;
  readonly password: string;
}

/** What was logged at level warn or above. */
export interface LoggedLine {
  readonly level: "warn" | "error";
  readonly fields: LogFields;
  readonly message: string;
}

export class TestPooler implements AsyncDisposable {
  readonly pooler: TestedPooler;
  readonly store: TenantStore;
  readonly lines: readonly LoggedLine[];
  readonly #folder: TemporaryFolder;
  readonly #postgres: PostgresBehind;

  constructor(
    pooler: TestedPooler,
    store: TenantStore,
    lines: readonly LoggedLine[],
    folder: TemporaryFolder,
    postgres: PostgresBehind,
  ) {
    this.pooler = pooler;
    this.store = store;
    this.lines = lines;
    this.#folder = folder;
    this.#postgres = postgres;
  }

  portOf(mode: PortMode): number {
    return this.pooler.ports[mode];
  }

  /** What `pg` and its like take. */
  target(mode: PortMode = "transaction", tenant = "dev") {
    const { superuser, password } = this.#postgres;
    return {
      host: "127.0.0.1",
      port: this.portOf(mode),
      user: `${superuser}.${tenant}`,
      password,
      database: "postgres",
    };
  }

  /** As {@link target}, as a connection string. */
  url(mode: PortMode = "transaction", tenant = "dev"): string {
    const { user, password, port, database } = this.target(mode, tenant);
    return `postgres://${user}:${password}@127.0.0.1:${port}/${database}`;
  }

  /** Puts or changes a tenant that leads to the test's PostgreSQL. */
  async putTenant(
    fields: Readonly<Record<string, unknown>>,
    user: Readonly<Record<string, unknown>> = {},
  ): Promise<void> {
    await putTenantInto(this.store, this.#postgres, fields, user);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.pooler.stop(0);
    await this.store.close();
    await this.#folder[Symbol.asyncDispose]();
  }
}

/** Starts a pooler in front of `postgres`. */
export async function startPooler(
  postgres: PostgresBehind,
  options: TestPoolerOptions = {},
): Promise<TestPooler> {
  const folder = await makeTemporaryFolder();
  const config = configFor(options, folder.path);
  const clock = new SystemClock();
  const random = new SystemRandom();
  const wallClock = options.wallClock ?? { iso: () => new Date().toISOString() };
  const { store, vaultKey } = await openStore(config, {
    workingDirectory: folder.path,
    clock,
    random,
    wallClock,
  });
  const lines: LoggedLine[] = [];
  const logger = options.logger ?? collectingLogger(lines);
  const { tenant, user, hop = TEST_HOP, workers = hop ? HOP_WORKERS : TEST_WORKERS } = options;
  const owners = hop ? { owners: 1 } : {};
  await putTenantInto(store, postgres, { default_pool_size: 2, ...owners, ...tenant }, user);
  const shared = { config, clock, wallClock, random, logger, grammar: GRAMMAR };
  const pooler =
    workers > 1
      ? await WorkerNode.start({
          ...shared,
          workers,
          workingDirectory: folder.path,
          store,
        })
      : await LonePooler.start({ ...shared, store, vaultKey });
  if (hop && pooler instanceof WorkerNode) pooler.admitOnlyAt(edgeOf("dev", workers));
  return new TestPooler(pooler, store, lines, folder, postgres);
}

/** The worker that is the last to own the tenant. */
function edgeOf(tenant: string, workers: number): number {
  return present(new Ownership(workers).ranking(tenant).at(-1));
}

function configFor({ env, config }: TestPoolerOptions, folder: string): Config {
  const settings = {
    PROXY_PORT_TRANSACTION: "0",
    PROXY_PORT_SESSION: "0",
    PROXY_PORT_NATIVE: "0",
    PORT: "0",
    LISTEN_ADDRESS: "127.0.0.1",
    DATA_DIRECTORY: join(folder, "data"),
    AUTH_FAILURE_LIMIT: "0", // many a test is refused more often than anybody should be
    ...env,
  };
  const loaded = loadConfig({ env: settings, file: null });
  if (!loaded.ok) throw new Error(loaded.problems.join("\n"));
  return { ...loaded.config, ...config };
}

/** Puts or changes a tenant that leads to `postgres`. */
export async function putTenantInto(
  store: TenantStore,
  { port, superuser, password }: PostgresBehind,
  fields: Readonly<Record<string, unknown>>,
  user: Readonly<Record<string, unknown>> = {},
): Promise<void> {
  const checked = validateTenant(
    {
      external_id: "dev",
      db_host: "127.0.0.1",
      db_port: port,
      db_database: "postgres",
      users: [{ db_user: superuser, db_password: password, ...user }],
      ...fields,
    },
    { globalUpstreamCa: false },
  );
  if (!checked.ok) throw new Error(JSON.stringify(checked.problems));
  await store.write([{ kind: "put", tenant: checked.value }]);
}

function collectingLogger(lines: LoggedLine[]): Logger {
  const keep =
    (level: LoggedLine["level"]) =>
    (fields: LogFields, message: string): void => {
      lines.push({ level, fields, message });
    };
  return { debug: drop, info: drop, warn: keep("warn"), error: keep("error") };
}

function drop(): void {
  // Tests ask for what went wrong only.
}

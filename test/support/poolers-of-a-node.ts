/**
 * Several workers of one node inside the test's process, each with ports of its own, so that a test chooses
 * which of them a client comes to. All own the tenant `shared`, so that no client needs a link.
 */

import { join } from "node:path";
import { Client } from "pg";
import { LiveSettings } from "../../src/app/live-settings.ts";
import { openStore } from "../../src/app/open-store.ts";
import { Pooler } from "../../src/app/pooler.ts";
import { SystemClock } from "../../src/app/system/system-clock.ts";
import { SystemRandom } from "../../src/app/system/system-random.ts";
import { ghostEnding } from "../../src/app/workers/end-ghost-server.ts";
import { NodeDesks } from "../../src/app/workers/node-desks.ts";
import type { Logger } from "../../src/base/logger.ts";
import type { PermitDesk } from "../../src/cluster/permit-desk.ts";
import type { WorkerPeers } from "../../src/cluster/worker-peers.ts";
import { loadConfig } from "../../src/config/load-config.ts";
import type { PortMode } from "../../src/net/channel-opening.ts";
import { KernelOptions } from "../../src/net/kernel-options.ts";
import type { TenantStore } from "../../src/tenants/tenant-store.ts";
import { validateTenant } from "../../src/tenants/validate-tenant.ts";
import { GRAMMAR } from "./grammar.ts";
import { NodePorts } from "./node-ports.ts";
import type { PostgresBehind } from "./pooler.ts";
import { makeTemporaryFolder, type TemporaryFolder } from "./temporary-folder.ts";

const SILENT: Logger = { debug: nothing, info: nothing, warn: nothing, error: nothing };

interface Shared {
  readonly postgres: PostgresBehind;
  readonly folder: TemporaryFolder;
  readonly store: TenantStore;
  readonly desk: PermitDesk;
}

export class PoolersOfANode implements AsyncDisposable {
  readonly poolers: readonly Pooler[];
  readonly #shared: Shared;
  readonly #clients: Client[] = [];

  private constructor(poolers: readonly Pooler[], shared: Shared) {
    this.poolers = poolers;
    this.#shared = shared;
  }

  /** @param tenant fields of the tenant beyond where it is */
  static async start(
    postgres: PostgresBehind,
    workers: number,
    tenant: Readonly<Record<string, unknown>>,
  ): Promise<PoolersOfANode> {
    const folder = await makeTemporaryFolder();
    const loaded = loadConfig({
      env: {
        PROXY_PORT_TRANSACTION: "0",
        PROXY_PORT_SESSION: "0",
        PROXY_PORT_NATIVE: "0",
        LISTEN_ADDRESS: "127.0.0.1",
        DATA_DIRECTORY: join(folder.path, "data"),
        AUTH_FAILURE_LIMIT: "0",
      },
      file: null,
    });
    if (!loaded.ok) throw new Error(loaded.problems.join("\n"));
    const { config } = loaded;
    const clock = new SystemClock();
    const random = new SystemRandom();
    const wallClock = { iso: () => new Date().toISOString() };
    const parts = { config, clock, random, wallClock, logger: SILENT };
    const { store, vaultKey } = await openStore(config, {
      workingDirectory: folder.path,
      ...parts,
    });
    const ports = new NodePorts(workers);
    const environment = { clock, logger: SILENT, kernel: new KernelOptions() };
    const endServer = ghostEnding({
      environment,
      certificateAuthority: () => null,
      findTenant: (tenantId) => store.get(tenantId),
    });
    const { permits: desk } = new NodeDesks({
      workers: ports.workers,
      clock,
      wallClock,
      limits: new LiveSettings(config, null),
      clientsMax: null,
      endServer,
    });
    const poolers = Array.from({ length: workers }, (_, self) => {
      const place = { peers: new LonelyPeers(self, workers), supervisor: ports.join(self) };
      const needs = { store, vaultKey, certificateAuthority: null, grammar: GRAMMAR, place };
      return new Pooler({ ...parts, ...needs });
    });
    const node = new PoolersOfANode(poolers, { postgres, folder, store, desk });
    await node.putTenant(tenant);
    for (const pooler of poolers) {
      // oxlint-disable-next-line no-await-in-loop -- one after the other
      await pooler.start();
    }
    return node;
  }

  /** Permits of the tenant that any worker has. */
  get permits(): number {
    return this.#shared.desk.keeper.takenOf("shared");
  }

  async putTenant(fields: Readonly<Record<string, unknown>>): Promise<void> {
    const { port, superuser, password } = this.#shared.postgres;
    const users = [{ db_user: superuser, db_password: password }];
    const place = { db_host: "127.0.0.1", db_port: port, db_database: "postgres" };
    const tenant = { external_id: "shared", ...place, users, owners: 64, ...fields };
    const checked = validateTenant(tenant, { globalUpstreamCa: false });
    if (!checked.ok) throw new Error(JSON.stringify(checked.problems));
    await this.#shared.store.write([{ kind: "put", tenant: checked.value }]);
  }

  /** Connects a client to that worker. */
  async connect(worker: number, mode: PortMode = "transaction"): Promise<Client> {
    const { superuser, password } = this.#shared.postgres;
    const port = this.poolers[worker]?.ports[mode];
    const user = `${superuser}.shared`;
    const client = new Client({ host: "127.0.0.1", port, user, password, database: "postgres" });
    this.#clients.push(client);
    client.on("error", nothing);
    await client.connect();
    return client;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#clients.map((client) => client.end().catch(nothing)));
    await Promise.all(this.poolers.map((pooler) => pooler.stop(0)));
    this.#shared.desk.stop();
    await this.#shared.store.close();
    await this.#shared.folder[Symbol.asyncDispose]();
  }
}

/** There is no way to the others. */
class LonelyPeers implements WorkerPeers {
  readonly self: number;
  readonly workers: number;

  constructor(self: number, workers: number) {
    this.self = self;
    this.workers = workers;
  }

  linkTo(): null {
    return null;
  }

  async awaitLink(): Promise<null> {
    return null;
  }
}

function nothing(): void {
  // Tests ask for what matters to them.
}

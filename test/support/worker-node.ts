/**
 * A node of several workers inside the test's process: the real supervisor, workers and links, each worker with a
 * store of its own, all on the same ports. Only what makes processes of them is left out.
 */

import type { PoolerPorts } from "../../src/app/pooler.ts";
import type { ServingNode } from "../../src/app/serving-node.ts";
import { readOrder } from "../../src/app/workers/read-order.ts";
import { Supervisor } from "../../src/app/workers/supervisor.ts";
import { Worker } from "../../src/app/workers/worker.ts";
import type {
  SpawnedWorker,
  WorkerOrder,
  WorkerSpawner,
} from "../../src/app/workers/worker-order.ts";
import type { Clock } from "../../src/base/clock.ts";
import { errorMessage } from "../../src/base/error-message.ts";
import type { Logger } from "../../src/base/logger.ts";
import type { Random } from "../../src/base/random.ts";
import type { WallClock } from "../../src/base/wall-clock.ts";
import type { Config } from "../../src/config/settings.ts";
import type { Traffic } from "../../src/control/traffic.ts";
import { PoolerCounters } from "../../src/proxy/pooler-counters.ts";
import type { PoolPinList } from "../../src/proxy/pools/pin-list.ts";
import type { Grammar } from "../../src/sql/grammar.ts";
import type { TenantStore } from "../../src/tenants/tenant-store.ts";
import type { TestedPooler } from "./tested-pooler.ts";

export interface WorkerNodeParts {
  readonly config: Config;
  readonly workers: number;
  readonly workingDirectory: string;
  readonly store: TenantStore;
  readonly clock: Clock;
  readonly wallClock: WallClock;
  readonly random: Random;
  readonly logger: Logger;
  readonly grammar: Grammar;
}

/** What is counted as a plain number. */
const COUNTS = [
  "desyncTotal",
  "clientLoginsTotal",
  "clientLoginFailuresTotal",
  "clientsLostTotal",
  "internalErrorsTotal",
] as const satisfies readonly (keyof PoolerCounters)[];

const PIN_REASONS = ["temporary", "advisory_lock", "holdable_cursor", "listen"] as const;

/** Runs workers as parts of this process. */
class WorkersHere implements WorkerSpawner {
  readonly running = new Map<number, Worker>();
  readonly #parts: WorkerNodeParts;

  constructor(parts: WorkerNodeParts) {
    this.#parts = parts;
  }

  spawn(order: WorkerOrder): SpawnedWorker {
    const exited = Promise.withResolvers<string>();
    const started = this.#start(order, () => exited.resolve("it has stopped"));
    started.catch((error: unknown) => exited.resolve(errorMessage(error)));
    const kill = (): void => void started.then((worker) => worker.stop(0)).catch(() => undefined);
    return { processId: null, exited: exited.promise, kill };
  }

  /** The order arrives as it would in another process. */
  async #start(sent: WorkerOrder, onStopped: () => void): Promise<Worker> {
    const line = new Blob([`${JSON.stringify(sent)}\n`]);
    const { order } = await readOrder(line.stream());
    const worker = await Worker.start(order, {
      ...this.#parts,
      onStopped,
      onReloaded: () => undefined,
    });
    this.running.set(order.worker, worker);
    return worker;
  }
}

export class WorkerNode implements TestedPooler {
  readonly #supervisor: Supervisor;
  readonly #spawner: WorkersHere;

  private constructor(supervisor: Supervisor, spawner: WorkersHere) {
    this.#supervisor = supervisor;
    this.#spawner = spawner;
  }

  /** Listens with all of its workers once it resolves. */
  static async start(parts: WorkerNodeParts): Promise<WorkerNode> {
    const spawner = new WorkersHere(parts);
    const supervisor = new Supervisor({ ...parts, spawner, sockets: null });
    await supervisor.start();
    return new WorkerNode(supervisor, spawner);
  }

  get ports(): PoolerPorts {
    return this.#supervisor.ports;
  }

  get connectionsMax(): ServingNode["connectionsMax"] {
    return this.#supervisor.connectionsMax;
  }

  get traffic(): Traffic {
    return this.#supervisor.traffic;
  }

  get counters(): PoolerCounters {
    const total = new PoolerCounters();
    for (const { pooler } of this.#workers) {
      const { counters } = pooler;
      for (const name of COUNTS) total[name] += counters[name];
      for (const reason of PIN_REASONS)
        total.pins.byReasonTotal[reason] += counters.pins.byReasonTotal[reason];
      total.pins.refusedTotal += counters.pins.refusedTotal;
      total.pins.sweptTotal += counters.pins.sweptTotal;
    }
    return total;
  }

  get clients(): number {
    return this.#workers.reduce((sum, { pooler }) => sum + pooler.clients, 0);
  }

  get tenantsInUse(): number {
    return this.#workers.reduce((sum, { pooler }) => sum + pooler.tenantsInUse, 0);
  }

  listPins(): readonly PoolPinList[] {
    return this.#workers.flatMap(({ pooler }) => pooler.listPins());
  }

  reload(config: Config): Promise<void> {
    return this.#supervisor.reload(config);
  }

  stop(timeoutMs: number): Promise<void> {
    return this.#supervisor.stop(timeoutMs);
  }

  /** Closes the ports of all workers but one: from now on all clients come in there. */
  admitOnlyAt(edge: number): void {
    for (const [worker, { pooler }] of this.#spawner.running)
      if (worker !== edge) pooler.stopListening();
  }

  get #workers(): readonly Worker[] {
    return [...this.#spawner.running.values()];
  }
}

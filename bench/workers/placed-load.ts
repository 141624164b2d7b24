/**
 * Load by clients that are all on the right side: on the worker that owns their tenant, or on another one.
 */

import { LoadProcess } from "../load/load-process.ts";
import { childrenOf, processCpuSeconds } from "../process-cpu-time.ts";
import type { Sample } from "../sample.ts";
import { holdersOfClients, processesConnectedTo } from "./connection-holders.ts";
import type { RunningLayout, Side } from "./layouts.ts";

/** By chance, one in as many as there are workers is where it should be; so many times more suffice. */
const SURPLUS = 3;
const SURPLUS_LEAST = 24;
const FIRST_LOAD_SECONDS = 0.3;

/** A sample, and what of its CPU time was used by the processes that hold servers. */
export interface PlacedSample extends Sample {
  readonly ownersCpuSeconds: number;
}

export class PlacedLoad implements AsyncDisposable {
  readonly #load: LoadProcess;
  readonly #pid: number;
  readonly #owners: readonly number[];

  private constructor(load: LoadProcess, pid: number, owners: readonly number[]) {
    this.#load = load;
    this.#pid = pid;
    this.#owners = owners;
  }

  /** Connects clients until there are enough on the side. Throws when too few of them are. */
  static async connect(
    { target, pid }: RunningLayout,
    scenario: string,
    clients: number,
    side: Side,
    serverPort: number,
  ): Promise<PlacedLoad> {
    await using stack = new AsyncDisposableStack();
    const load = stack.use(new LoadProcess());
    const workers = childrenOf(pid);
    const wanted =
      side === "any" ? clients : Math.max(clients * workers.length * SURPLUS, SURPLUS_LEAST);
    await load.connect(target, scenario, wanted);
    await load.run(FIRST_LOAD_SECONDS); // now there are servers, and so it shows who owns them
    const owners = processesConnectedTo(serverPort, workers);
    if (side !== "any") {
      const holders = holdersOfClients(target.port, workers);
      const onSide = (port: number): boolean =>
        owners.includes(holders.get(port) ?? 0) === (side === "owner");
      const kept = (await load.ports()).filter(onSide).slice(0, clients);
      if (kept.length < clients) throw new Error(`${kept.length} of ${clients} clients: ${side}`);
      await load.keep(kept);
    }
    stack.move();
    return new PlacedLoad(load, pid, owners);
  }

  async run(seconds: number): Promise<PlacedSample> {
    const before = processCpuSeconds(this.#pid);
    const ownersBefore = this.#ownersCpuSeconds();
    const report = await this.#load.run(seconds);
    return {
      ...report,
      cpuSeconds: processCpuSeconds(this.#pid) - before,
      ownersCpuSeconds: this.#ownersCpuSeconds() - ownersBefore,
    };
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#load[Symbol.asyncDispose]();
  }

  #ownersCpuSeconds(): number {
    return this.#owners.reduce((sum, pid) => sum + processCpuSeconds(pid), 0);
  }
}

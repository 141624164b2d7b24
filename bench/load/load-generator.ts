/**
 * The load generator's process: takes LoadOrders from the bench over IPC and answers each.
 * A process of its own, so that its CPU time is nobody else's; it ends when the bench does.
 */

import { findScenario } from "../scenarios/catalogue.ts";
import { LatencyHistogram } from "./latency-histogram.ts";
import { LoadClient } from "./load-client.ts";
import { type LoadAnswer, LoadOrder, type LoadReport } from "./load-protocol.ts";

class LoadGenerator {
  #clients: LoadClient[] = [];

  /** Does one order. Throws when the run is void. */
  async obey(order: LoadOrder): Promise<LoadAnswer> {
    if (order.kind === "run") return { kind: "finished", report: await this.#run(order.seconds) };
    const scenario = findScenario(order.scenario);
    if (scenario === null) throw new Error(`no scenario ${order.scenario}`);
    this.#clients = await Promise.all(
      Array.from({ length: order.clients }, () => LoadClient.connect(order.target, scenario)),
    );
    return { kind: "ready" };
  }

  close(): void {
    for (const client of this.#clients) client.close();
  }

  async #run(seconds: number): Promise<LoadReport> {
    const histogram = new LatencyHistogram();
    const cpuBefore = process.cpuUsage();
    const startedMs = performance.now();
    const deadlineMs = startedMs + seconds * 1000;
    const done = await Promise.all(this.#clients.map((each) => each.run(deadlineMs, histogram)));
    const cpu = process.cpuUsage(cpuBefore);
    return {
      transactions: done.reduce((sum, count) => sum + count, 0),
      seconds: (performance.now() - startedMs) / 1000,
      generatorCpuSeconds: (cpu.user + cpu.system) / 1e6,
      latencyCounts: histogram.counts(),
    };
  }
}

const generator = new LoadGenerator();

const answer = async (message: unknown): Promise<void> => {
  try {
    process.send?.(await generator.obey(LoadOrder.parse(message)));
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    process.send?.({ kind: "failed", reason } satisfies LoadAnswer);
  }
};

process.on("message", (message) => void answer(message));
process.on("disconnect", () => {
  generator.close();
  process.exit();
});

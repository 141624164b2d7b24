/**
 * The load generator's process: takes LoadOrders from the bench over IPC and answers each.
 * A process of its own, so that its CPU time is nobody else's; it ends when the bench does.
 */

import { findScenario } from "../scenarios/catalogue.ts";
import { LatencyHistogram } from "./latency-histogram.ts";
import { LoadClient, type LoadClientOptions } from "./load-client.ts";
import { type ConnectOrder, type LoadAnswer, LoadOrder, type LoadReport } from "./load-protocol.ts";
import { LoadVisitor } from "./load-visitor.ts";
import { SaltedPasswords } from "./password-exchange.ts";

/** Logins under way at a time: fewer than any accept queue holds, so that none waits for a repeated SYN. */
const LOGINS_AT_ONCE = 64;

class LoadGenerator {
  readonly #saltedPasswords = new SaltedPasswords();
  #clients: (LoadClient | LoadVisitor)[] = [];

  /** Does one order. Throws when the run is void. */
  async obey(order: LoadOrder): Promise<LoadAnswer> {
    switch (order.kind) {
      case "run":
        return { kind: "finished", report: await this.#run(order.seconds) };
      case "list":
        return { kind: "ports", ports: this.#clients.map(({ port }) => port) };
      case "keep":
        await this.#keep(new Set(order.ports));
        return { kind: "ready" };
      case "connect":
        await this.#connect(order);
        return { kind: "ready" };
      default:
        return order satisfies never;
    }
  }

  async close(): Promise<void> {
    await Promise.all(this.#clients.map((client) => client.close()));
  }

  async #keep(ports: ReadonlySet<number>): Promise<void> {
    const leaving = this.#clients.filter(({ port }) => !ports.has(port));
    this.#clients = this.#clients.filter(({ port }) => ports.has(port));
    await Promise.all(leaving.map((client) => client.close()));
  }

  async #connect({ target, scenario: name, clients }: ConnectOrder): Promise<void> {
    const scenario = findScenario(name);
    if (scenario === null) throw new Error(`no scenario ${name}`);
    const optionsOf = (first: number): LoadClientOptions => ({
      target,
      scenario,
      saltedPasswords: this.#saltedPasswords,
      first,
    });
    const clientOf = async (first: number): Promise<LoadClient | LoadVisitor> =>
      scenario.reconnects
        ? new LoadVisitor(optionsOf(first))
        : await LoadClient.connect(optionsOf(first));
    while (this.#clients.length < clients) {
      const from = this.#clients.length;
      const length = Math.min(LOGINS_AT_ONCE, clients - from);
      const batch = Array.from({ length }, (_, index) => clientOf(from + index));
      this.#clients.push(...(await Promise.all(batch)));
    }
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
  void generator.close().finally(() => process.exit());
});

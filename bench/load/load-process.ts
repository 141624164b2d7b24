/**
 * The bench's hold on one load generator process.
 */

import type { Subprocess } from "bun";
import { LoadAnswer, type LoadOrder, type LoadReport } from "./load-protocol.ts";
import type { LoadTarget } from "./load-target.ts";

const GENERATOR = `${import.meta.dir}/load-generator.ts`;

export class LoadProcess implements AsyncDisposable {
  readonly #process: Subprocess;

  #awaited = Promise.withResolvers<LoadAnswer>();

  constructor() {
    this.#process = Bun.spawn([process.execPath, GENERATOR], {
      stdout: "inherit",
      stderr: "inherit",
      ipc: (message: unknown) => this.#awaited.resolve(LoadAnswer.parse(message)),
      onExit: (_process, code) => this.#awaited.reject(new Error(`load generator exited: ${code}`)),
    });
  }

  /** Resolves once all clients are logged in and set up. */
  async connect(target: LoadTarget, scenario: string, clients: number): Promise<void> {
    await this.#order({ kind: "connect", target, scenario, clients });
  }

  /** The port of each client that stays connected. */
  async ports(): Promise<readonly number[]> {
    const answer = await this.#order({ kind: "list" });
    if (answer.kind !== "ports") throw new Error(`a list was answered by '${answer.kind}'`);
    return answer.ports;
  }

  /** All clients leave but those with these ports. */
  async keep(ports: readonly number[]): Promise<void> {
    await this.#order({ kind: "keep", ports: [...ports] });
  }

  /** One run of closed loops. Before and after it the clients are silent. */
  async run(seconds: number): Promise<LoadReport> {
    const answer = await this.#order({ kind: "run", seconds });
    if (answer.kind !== "finished") throw new Error(`a run was answered by '${answer.kind}'`);
    return answer.report;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#awaited.promise.catch(() => undefined);
    this.#process.disconnect();
    await this.#process.exited;
  }

  async #order(order: LoadOrder): Promise<LoadAnswer> {
    this.#awaited = Promise.withResolvers();
    this.#process.send(order);
    const answer = await this.#awaited.promise;
    if (answer.kind === "failed") throw new Error(`load generator: ${answer.reason}`);
    return answer;
  }
}

/**
 * A client that asks one short query after the other, with its server in a process of its own: what it
 * waits for is the pooler, and not whoever makes the load.
 */

import { fileURLToPath } from "node:url";
import type { Subprocess } from "bun";
import type { WireTarget } from "../chaos/wire-client.ts";

export interface Latencies {
  readonly queries: number;
  readonly p99Ms: number;
}

const PROGRAM = fileURLToPath(new URL("neighbour-process.ts", import.meta.url));

export class Neighbour implements AsyncDisposable {
  readonly #process: Subprocess<"ignore", "inherit", "inherit">;
  #answer = Promise.withResolvers<unknown>();
  #serverPort = 0;

  private constructor() {
    this.#process = Bun.spawn([process.execPath, PROGRAM], {
      stdio: ["ignore", "inherit", "inherit"],
      ipc: (answer) => this.#answer.resolve(answer),
    });
  }

  /** Starts its server. */
  static async start(): Promise<Neighbour> {
    const neighbour = new Neighbour();
    neighbour.#serverPort = Number(await neighbour.#answer.promise);
    return neighbour;
  }

  get serverPort(): number {
    return this.#serverPort;
  }

  /** Logs in to the pooler. Once, before anything is measured. */
  async connect(target: WireTarget): Promise<void> {
    await this.#ask(target);
  }

  /** Asks for so long. */
  async measure(durationMs: number): Promise<Latencies> {
    const answer = await this.#ask(durationMs);
    if (!isLatencies(answer)) throw new Error("the neighbour has measured nothing");
    return answer;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#process.disconnect();
    await this.#process.exited;
  }

  #ask(message: WireTarget | number): Promise<unknown> {
    this.#answer = Promise.withResolvers();
    this.#process.send(message);
    return this.#answer.promise;
  }
}

function isLatencies(answer: unknown): answer is Latencies {
  return typeof answer === "object" && answer !== null && "p99Ms" in answer && "queries" in answer;
}

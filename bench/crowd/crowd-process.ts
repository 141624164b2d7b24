/**
 * The bench's hold on one crowd process.
 */

import type { Subprocess } from "bun";
import type { LoadReport } from "../load/load-protocol.ts";
import { CrowdAnswer, type CrowdOrder, type Members } from "./crowd-protocol.ts";

const GENERATOR = `${import.meta.dir}/crowd-generator.ts`;

export class CrowdProcess implements AsyncDisposable {
  readonly #process: Subprocess;

  #awaited = Promise.withResolvers<CrowdAnswer>();
  /** Clients can be lost between two orders, too. */
  #failure: Error | null = null;

  constructor() {
    this.#awaited.promise.catch(() => undefined);
    this.#process = Bun.spawn([process.execPath, GENERATOR], {
      stdout: "inherit",
      stderr: "inherit",
      ipc: (message: unknown) => this.#hear(CrowdAnswer.parse(message)),
      onExit: (_process, code) =>
        this.#hear({ kind: "failed", reason: `it ended with status ${code}` }),
    });
  }

  /** So many more clients stay. Resolves to the seconds it took once all are logged in. */
  async open(members: Members): Promise<number> {
    const answer = await this.#order({ kind: "open", ...members });
    return answer.kind === "opened" ? answer.seconds : unexpected(answer);
  }

  /** Clients come, ask once, and leave. Resolves to the seconds it took. */
  async visit(members: Members): Promise<number> {
    const answer = await this.#order({ kind: "visit", ...members });
    return answer.kind === "opened" ? answer.seconds : unexpected(answer);
  }

  /** Queries one after the other, so many at a time. */
  async loop(seconds: number, inFlight: number): Promise<LoadReport> {
    const answer = await this.#order({ kind: "loop", seconds, inFlight });
    return answer.kind === "finished" ? answer.report : unexpected(answer);
  }

  /** Queries at times set beforehand. */
  async pace(seconds: number, perSecond: number): Promise<LoadReport> {
    const answer = await this.#order({ kind: "pace", seconds, perSecond });
    return answer.kind === "finished" ? answer.report : unexpected(answer);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#process.exitCode === null) this.#process.disconnect();
    await this.#process.exited;
  }

  async #order(order: CrowdOrder): Promise<CrowdAnswer> {
    this.#awaited = Promise.withResolvers();
    if (this.#failure === null) this.#process.send(order);
    else this.#awaited.reject(this.#failure);
    return await this.#awaited.promise;
  }

  #hear(answer: CrowdAnswer): void {
    if (answer.kind !== "failed") return this.#awaited.resolve(answer);
    this.#failure ??= new Error(`a crowd's process: ${answer.reason}`);
    this.#awaited.reject(this.#failure);
  }
}

function unexpected(answer: CrowdAnswer): never {
  throw new Error(`an order was answered by '${answer.kind}'`);
}

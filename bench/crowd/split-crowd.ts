/**
 * A crowd that is spread over as many processes as its clients need descriptors for.
 */

import { connectionsPerProcess } from "../descriptor-limit.ts";
import type { LoadReport } from "../load/load-protocol.ts";
import { CrowdProcess } from "./crowd-process.ts";
import type { CrowdTarget } from "./crowd-protocol.ts";
import { mergedReport } from "./merged-report.ts";

export class SplitCrowd implements AsyncDisposable {
  readonly #target: CrowdTarget;
  readonly #processes: readonly CrowdProcess[];

  /** @param clientsMax whom it will have at most */
  constructor(target: CrowdTarget, clientsMax: number) {
    const count = Math.ceil(clientsMax / connectionsPerProcess());
    this.#target = target;
    this.#processes = Array.from({ length: count }, () => new CrowdProcess());
  }

  /** So many clients come, ask once, and leave. Resolves to the seconds it took. */
  async visit(clients: number): Promise<number> {
    const seconds = await Promise.all(
      this.#shares(clients).map(({ crowd, ...members }) => crowd.visit(members)),
    );
    return Math.max(...seconds);
  }

  /** So many clients log in and stay. */
  async open(clients: number): Promise<void> {
    await Promise.all(this.#shares(clients).map(({ crowd, ...members }) => crowd.open(members)));
  }

  /** Queries going round over all who stay, so many at a time. */
  async loop(seconds: number, inFlight: number): Promise<LoadReport> {
    const reports = this.#shares(inFlight).map(({ crowd, clients }) =>
      crowd.loop(seconds, clients),
    );
    return mergedReport(await Promise.all(reports));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#processes.map((crowd) => crowd[Symbol.asyncDispose]()));
  }

  /** Each process's equal part of `count`, which is at least one for each. */
  #shares(count: number) {
    const target = this.#target;
    const each = Math.ceil(count / this.#processes.length);
    return this.#processes.map((crowd, index) => {
      const first = index * each;
      return { crowd, target, first, clients: Math.min(each, count - first) };
    });
  }
}

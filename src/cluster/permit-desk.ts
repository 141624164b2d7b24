/**
 * The keeper of permits among the workers of a node: hears them, tells them, and has the servers of a worker
 * that died ended before others get their permits.
 */

import type { Clock, Timer } from "../base/clock.ts";
import { UnknownVerbError } from "./control-desk.ts";
import type { WorkersHandler, WorkersPort } from "./control-port.ts";
import { type EndServer, GhostServers } from "./ghost-servers.ts";
import { PermitKeeper } from "./permit-keeper.ts";
import {
  areReturnedPermits,
  isClosedResource,
  isOpenedResource,
  isPermitReport,
} from "./read-permit-messages.ts";

export class PermitDesk implements WorkersHandler {
  readonly keeper: PermitKeeper;
  readonly #clock: Clock;
  readonly #ghosts: GhostServers;
  #timer: Timer | null = null;

  /** Registers itself with `workers`. */
  constructor(workers: WorkersPort, clock: Clock, endServer: EndServer) {
    this.#clock = clock;
    this.keeper = new PermitKeeper((worker, order) =>
      workers.notify(worker, "permit.order", order),
    );
    this.#ghosts = new GhostServers(clock, endServer, (group, pool) => {
      this.keeper.freeGhost(group, pool, clock.now());
      this.#setTimer();
    });
    workers.register("permit", this);
  }

  async onRequest(_worker: number, verb: string): Promise<unknown> {
    throw new UnknownVerbError(verb);
  }

  onNotice(worker: number, verb: string, body: unknown): void {
    const nowMs = this.#clock.now();
    if (verb === "permit.report" && isPermitReport(body)) this.keeper.report(worker, body, nowMs);
    else if (verb === "permit.returned" && areReturnedPermits(body))
      this.keeper.returned(worker, body.group, body.pool, body.count, nowMs);
    else if (verb === "permit.opened" && isOpenedResource(body)) this.#ghosts.opened(worker, body);
    else if (verb === "permit.closed" && isClosedResource(body))
      this.#ghosts.closed(worker, body.resource);
    this.#setTimer();
  }

  onWorkerReady(): void {
    // It asks for what it needs.
  }

  onWorkerGone(worker: number): void {
    this.#ghosts.bury(worker, this.keeper.bury(worker, this.#clock.now()));
    this.#setTimer();
  }

  /** The workers are gone, and their servers are nobody's concern any more. */
  stop(): void {
    this.#timer?.cancel();
    this.#ghosts.stop();
  }

  /** One timer at a time, only while something is to be looked at again. */
  #setTimer(): void {
    if (this.#timer !== null) return;
    const { dueMs } = this.keeper;
    if (!Number.isFinite(dueMs)) return;
    this.#timer = this.#clock.after(Math.max(1, dueMs - this.#clock.now()), () => {
      this.#timer = null;
      this.keeper.look(this.#clock.now());
      this.#setTimer();
    });
  }
}

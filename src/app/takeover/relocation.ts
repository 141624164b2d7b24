/**
 * How the clients of a pooler leave for the process that takes its place, and how those of the one before come in.
 */

import { errorMessage } from "../../base/error-message.ts";
import type { OwnerRouter } from "../../edge/owner-router.ts";
import { DescriptorPassing } from "../../net/descriptor-passing.ts";
import type { MovableClient } from "../../net/movable-client.ts";
import type { NetEnvironment } from "../../net/net-environment.ts";
import type { Transport } from "../../net/transport.ts";
import type { GradualDeparture } from "../../proxy/client/gradual-departure.ts";
import type { Owner } from "../../proxy/owner.ts";
import type { ProcessLimits } from "../process-limits.ts";
import { type AdoptionHost, ClientAdoption } from "./client-adoption.ts";
import { ClientMoves } from "./client-moves.ts";
import { type LeavingClients, leaveGradually } from "./leave-gradually.ts";

export interface RelocationParts {
  readonly environment: NetEnvironment;
  readonly owner: Owner;
  /** Null: all clients are the owner's. */
  readonly router: OwnerRouter | null;
  readonly limits: ProcessLimits;
}

export class Relocation implements LeavingClients, AdoptionHost {
  readonly #parts: RelocationParts;
  /** Null: this system passes no connections on. */
  readonly #passing: DescriptorPassing | null;
  #adoption: ClientAdoption | null = null;

  constructor(parts: RelocationParts) {
    this.#parts = parts;
    this.#passing = DescriptorPassing.forThisSystem();
  }

  /** Clients that are served here, or whose connections are here, those included that are about to log in. */
  get clients(): number {
    const { owner, limits } = this.#parts;
    return Math.max(owner.clients, limits.open);
  }

  get isFull(): boolean {
    const { owner, limits } = this.#parts;
    return owner.stopping || limits.open >= limits.max;
  }

  adopt(transport: Transport, tenant: string, ticket: string): void {
    const { owner, router } = this.#parts;
    if (router === null) owner.reopen(transport, ticket);
    else router.reopen(transport, tenant, ticket);
  }

  beginDeparture(areMoved: () => boolean): GradualDeparture {
    return this.#parts.owner.beginDeparture(areMoved);
  }

  /**
   * Takes clients of the process before from now on, where they are brought to: `path` is a file's in a folder that
   * only this user may enter. Returns whether that is so; why not is logged.
   */
  listen(path: string): boolean {
    const { environment, limits } = this.#parts;
    if (this.#passing === null) return false;
    try {
      this.#adoption = new ClientAdoption({
        path,
        environment,
        passing: this.#passing,
        host: this,
      });
      limits.addListener(this.#adoption);
      return true;
    } catch (error) {
      environment.logger.warn({ reason: errorMessage(error) }, "clients can't be taken over");
      return false;
    }
  }

  /** Takes no more clients of others. Idempotent. */
  stopListening(): void {
    this.#adoption?.close();
  }

  /**
   * Sends the clients away evenly over so long, each when no transaction of it runs: they come back somewhere, and
   * so not all at once. Those that can be moved go on in other processes instead, as soon as they have nothing under way.
   * Returns when none is left, or the time is over.
   * @param adopters where those listen; empty: nobody does
   */
  async leave(overMs: number, adopters: readonly string[]): Promise<void> {
    const { environment } = this.#parts;
    const { clock, logger } = environment;
    if (this.#passing === null || adopters.length === 0)
      return leaveGradually(this, clock, overMs, null);
    const parts = { environment, passing: this.#passing };
    const moves = new ClientMoves(parts, () => this.#movableClients());
    await moves.find(adopters);
    await leaveGradually(this, clock, overMs, moves);
    moves.close();
    logger.info({ moved: moves.moved, left: this.clients }, "clients were handed over");
  }

  #movableClients(): readonly MovableClient[] {
    const { owner, router } = this.#parts;
    return [...owner.movableClients(), ...(router?.movableClients() ?? [])];
  }
}

/**
 * The clients of a process that is replaced, as far as they can be moved: each goes on in one of the processes that
 * have taken its place, as soon as it has nothing under way.
 */

import { errorMessage } from "../../base/error-message.ts";
import type { MovableClient } from "../../net/movable-client.ts";
import type { Transport } from "../../net/transport.ts";
import { AdoptingProcess, type HandoverParts } from "./adopting-process.ts";

/** Who could be moved now. */
export type ListMovable = () => readonly MovableClient[];

/** How often it is looked who has come to be one of them: somebody who logs in while the others leave. */
const LIST_MS = 100;

export class ClientMoves {
  readonly #parts: HandoverParts;
  readonly #list: ListMovable;
  readonly #adopters: AdoptingProcess[] = [];
  /** Whose move is under way. */
  readonly #inHand = new Set<Transport>();
  #next = 0;
  #listedAtMs = Number.NEGATIVE_INFINITY;

  constructor(parts: HandoverParts, list: ListMovable) {
    this.#parts = parts;
    this.#list = list;
  }

  /** Looks for the processes that listen at these paths; one that is not there is done without. */
  async find(paths: readonly string[]): Promise<void> {
    const { logger } = this.#parts.environment;
    const onLeft = ({ transport }: MovableClient): void => void this.#inHand.delete(transport);
    const looks = paths.map((path) => AdoptingProcess.find(path, this.#parts, onLeft));
    for (const found of await Promise.allSettled(looks))
      if (found.status === "fulfilled") this.#adopters.push(found.value);
      else logger.warn({ reason: errorMessage(found.reason) }, "no clients can be handed over");
  }

  /** Whether anybody takes clients. */
  get isPossible(): boolean {
    return this.#adopters.some(({ isGone }) => !isGone);
  }

  /** Clients whose moves are under way. */
  get pending(): number {
    return this.#inHand.size;
  }

  /** Clients that have moved. */
  get moved(): number {
    return this.#adopters.reduce((sum, { moved }) => sum + moved, 0);
  }

  /** Moves whoever can be moved now. To be called again soon while anybody is {@link pending}. */
  work(): void {
    if (!this.isPossible) return;
    const nowMs = this.#parts.environment.clock.now();
    if (nowMs >= this.#listedAtMs + LIST_MS) {
      this.#listedAtMs = nowMs;
      this.#dealOut();
    }
    for (const adopter of this.#adopters) adopter.work();
  }

  /** Moves nobody any more: who is here stays. */
  close(): void {
    for (const adopter of this.#adopters) adopter.close();
  }

  #dealOut(): void {
    const adopters = this.#adopters.filter(({ isGone }) => !isGone);
    for (const client of this.#list()) {
      if (!client.mayMove || this.#inHand.has(client.transport)) continue;
      this.#inHand.add(client.transport);
      this.#next = (this.#next + 1) % adopters.length;
      adopters[this.#next]?.take(client);
    }
  }
}

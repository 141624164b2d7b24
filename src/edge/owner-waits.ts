/**
 * Clients that wait for a worker that is away, each until its deadline. When it is there again they come to it in
 * portions: ten thousand at once would be the first thing that it chokes on.
 */

import type { Clock } from "../base/clock.ts";
import type { WorkerPeers } from "../cluster/worker-peers.ts";
import type { LinkPort } from "../link/link-port.ts";

/** Who waits. Is told one of these, once, unless it leaves before. */
export interface OwnerWaiter {
  onOwner(link: LinkPort): void;
  /** Its deadline is over; or `onOwner` has thrown. */
  onOwnerAway(): void;
}

/** How late a deadline may be noticed. */
const LOOK_MS = 100;

/** So many openings, of some 2 KB each, leave in one turn. */
const PORTION = 256;

export class OwnerWaits {
  readonly #peers: WorkerPeers;
  readonly #clock: Clock;
  /** By worker, in the order of their coming, with their deadlines. */
  readonly #waiters = new Map<number, Map<OwnerWaiter, number>>();
  readonly #onFault: (fault: unknown) => void;

  constructor(peers: WorkerPeers, clock: Clock, onFault: (fault: unknown) => void) {
    this.#peers = peers;
    this.#clock = clock;
    this.#onFault = onFault;
  }

  /** How many wait. */
  get size(): number {
    let size = 0;
    for (const waiters of this.#waiters.values()) size += waiters.size;
    return size;
  }

  join(worker: number, waiter: OwnerWaiter, deadlineMs: number): void {
    const known = this.#waiters.get(worker);
    if (known !== undefined) known.set(waiter, deadlineMs);
    else {
      const waiters = new Map([[waiter, deadlineMs]]);
      this.#waiters.set(worker, waiters);
      this.#serve(worker, waiters).catch(this.#onFault);
    }
  }

  /** It waits no longer. Without effect where it does not wait. */
  leave(worker: number, waiter: OwnerWaiter): void {
    this.#waiters.get(worker)?.delete(waiter);
  }

  async #serve(worker: number, waiters: Map<OwnerWaiter, number>): Promise<void> {
    while (waiters.size > 0) {
      // oxlint-disable-next-line no-await-in-loop -- one look after the other
      const link = await this.#peers.awaitLink(worker, LOOK_MS);
      if (link === null) this.#sendOverdueAway(waiters);
      else {
        for (const waiter of take(waiters, PORTION)) this.#give(waiter, link);
        // oxlint-disable-next-line no-await-in-loop -- others have their turn
        await this.#nextTurn();
      }
    }
    this.#waiters.delete(worker);
  }

  #sendOverdueAway(waiters: Map<OwnerWaiter, number>): void {
    const nowMs = this.#clock.now();
    for (const [waiter, deadlineMs] of waiters)
      if (nowMs >= deadlineMs) {
        waiters.delete(waiter);
        waiter.onOwnerAway();
      }
  }

  /** A mistake of ours with one of them is none with the others, nor with those who come later. */
  #give(waiter: OwnerWaiter, link: LinkPort): void {
    try {
      waiter.onOwner(link);
    } catch (fault) {
      this.#onFault(fault);
      waiter.onOwnerAway();
    }
  }

  #nextTurn(): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#clock.after(0, resolve);
    return promise;
  }
}

function take(waiters: Map<OwnerWaiter, number>, count: number): readonly OwnerWaiter[] {
  const taken = Array.from(waiters.keys().take(count));
  for (const waiter of taken) waiters.delete(waiter);
  return taken;
}

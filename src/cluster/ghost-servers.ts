/**
 * The servers of workers that died. The system has closed their connections, but PostgreSQL notices that of a
 * busy one only when its query is over: so the query is cancelled, and the server's permit is free when it has
 * had the time to end.
 *
 * A cancel may come before PostgreSQL has begun with the query that was on its way: so there is another one.
 */

import type { Clock, Timer } from "../base/clock.ts";
import type { BuriedPermits } from "./permit-keeper.ts";
import type { OpenedResource } from "./read-permit-messages.ts";

/**
 * Has PostgreSQL cancel what a server runs. Resolves when PostgreSQL has sent the signal; rejects where it can't
 * be reached.
 */
export type EndServer = (group: string, where: unknown) => Promise<void>;

/** After so long a server counts as gone, whatever is known of it. */
const GONE_AFTER_MS = 5000;

/** A backend that was signalled, or whose client is gone, rolls back and ends in a few milliseconds. */
const SETTLE_MS = 150;

const CANCELS = 2;

/** Cancels under way at a time: each is a connection, and a process of PostgreSQL. */
const CANCELS_MAX = 16;

export class GhostServers {
  readonly #clock: Clock;
  readonly #endServer: EndServer;
  readonly #onGone: (group: string, pool: string) => void;
  readonly #byWorker = new Map<number, Map<number, OpenedResource>>();
  readonly #queue: (() => Promise<void>)[] = [];
  readonly #timers = new Set<Timer>();
  #underWay = 0;
  #stopped = false;

  /** @param onGone called once for each buried permit */
  constructor(clock: Clock, endServer: EndServer, onGone: (group: string, pool: string) => void) {
    this.#clock = clock;
    this.#endServer = endServer;
    this.#onGone = onGone;
  }

  opened(worker: number, resource: OpenedResource): void {
    const known = this.#byWorker.get(worker);
    if (known === undefined) this.#byWorker.set(worker, new Map([[resource.resource, resource]]));
    else known.set(resource.resource, resource);
  }

  closed(worker: number, resource: number): void {
    this.#byWorker.get(worker)?.delete(resource);
  }

  /** The worker is dead: its servers are ended, and `permits` come free one by one. */
  bury(worker: number, permits: readonly BuriedPermits[]): void {
    const servers = [...(this.#byWorker.get(worker)?.values() ?? [])];
    this.#byWorker.delete(worker);
    for (const { group, pool, count } of permits) {
      const own = servers.filter((server) => server.group === group && server.pool === pool);
      for (const server of own.slice(0, count)) this.#end(server);
      // Those that were being opened or closed run no query, and end when they see that their client is gone.
      for (let left = count - own.length; left > 0; left -= 1)
        this.#after(SETTLE_MS * CANCELS, () => this.#onGone(group, pool));
    }
  }

  stop(): void {
    this.#stopped = true;
    this.#queue.length = 0;
    for (const timer of this.#timers) timer.cancel();
    this.#timers.clear();
  }

  #end({ group, pool, where }: OpenedResource): void {
    let gone = false;
    const finish = (): void => {
      if (!gone && !this.#stopped) this.#onGone(group, pool);
      gone = true;
      limit.cancel();
      this.#timers.delete(limit);
    };
    const limit = this.#after(GONE_AFTER_MS, finish);
    this.#cancelAgain(() => this.#endServer(group, where), CANCELS, finish);
  }

  #cancelAgain(cancel: () => Promise<void>, times: number, finish: () => void): void {
    if (times === 0) return finish();
    this.#queue.push(async () => {
      // Where PostgreSQL can't be reached, the time limit frees the permit.
      if (!(await succeeds(cancel))) return;
      this.#after(SETTLE_MS, () => this.#cancelAgain(cancel, times - 1, finish));
    });
    this.#work();
  }

  #work(): void {
    while (this.#underWay < CANCELS_MAX) {
      const next = this.#queue.shift();
      if (next === undefined) return;
      this.#underWay += 1;
      void this.#run(next);
    }
  }

  async #run(cancel: () => Promise<void>): Promise<void> {
    await cancel();
    this.#underWay -= 1;
    this.#work();
  }

  #after(delayMs: number, run: () => void): Timer {
    const timer = this.#clock.after(delayMs, () => {
      this.#timers.delete(timer);
      if (!this.#stopped) run();
    });
    this.#timers.add(timer);
    return timer;
  }
}

async function succeeds(cancel: () => Promise<void>): Promise<boolean> {
  try {
    await cancel();
    return true;
  } catch {
    return false;
  }
}

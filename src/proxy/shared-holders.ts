/**
 * Whose tickets clients get. All clients of a pool whose servers are opened by what stands in the tenant's record have
 * the same one, and not one each: it is kept as long as they are.
 */

import type { TicketHolder } from "./client-ticket.ts";
import type { ServerPool } from "./server-pool.ts";

export class SharedHolders {
  readonly #byPool = new WeakMap<ServerPool, TicketHolder>();

  /** Returns what is equal to `holder`; null where the pool's clients get no tickets: they keep their servers. */
  of(pool: ServerPool, holder: TicketHolder | null): TicketHolder | null {
    if (pool.name.mode !== "transaction") return null;
    if (holder === null || holder.proof.kind !== "stored") return holder;
    const known = this.#byPool.get(pool);
    if (known?.record === holder.record && known.role === holder.role) return known;
    this.#byPool.set(pool, holder);
    return holder;
  }
}

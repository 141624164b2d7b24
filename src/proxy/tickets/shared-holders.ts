/**
 * Whose tickets clients get. All clients of a pool whose servers are opened by what stands in the tenant's record, or by
 * the keys of its password, have the same one, and not one each: it is kept as long as they are. The pool has the keys
 * as well, so they are not kept for longer by this.
 */

import { equalInConstantTime } from "../../auth/constant-time.ts";
import type { ServerPool } from "../pools/server-pool.ts";
import type { TicketHolder } from "./client-ticket.ts";
import type { TicketProof } from "./ticket-proof.ts";

/** A pool as seen from here. */
export interface HeldPool {
  readonly name: Pick<ServerPool["name"], "mode">;
}

export class SharedHolders {
  readonly #byPool = new WeakMap<HeldPool, TicketHolder>();

  /** Returns what is equal to `holder`; null where the pool's clients get no tickets: they keep their servers. */
  of(pool: HeldPool, holder: TicketHolder | null): TicketHolder | null {
    if (pool.name.mode !== "transaction") return null;
    if (holder === null || !isShared(holder.proof)) return holder;
    const known = this.#byPool.get(pool);
    if (known !== undefined && isSameHolder(known, holder)) return known;
    this.#byPool.set(pool, holder);
    return holder;
  }
}

/** A token is its client's own; the answer to an `auth_query` would outlive what is kept of it elsewhere. */
function isShared({ kind }: TicketProof): boolean {
  return kind === "stored" || kind === "keys";
}

function isSameHolder(one: TicketHolder, other: TicketHolder): boolean {
  return (
    one.record === other.record &&
    one.role === other.role &&
    one.alias === other.alias &&
    isSameProof(one.proof, other.proof)
  );
}

function isSameProof(one: TicketProof, other: TicketProof): boolean {
  if (one.kind !== "keys" || other.kind !== "keys") return one.kind === other.kind;
  const { clientKey, serverKey } = other.keys;
  return (
    equalInConstantTime(one.keys.clientKey, clientKey) &&
    equalInConstantTime(one.keys.serverKey, serverKey)
  );
}

/**
 * Who asks a pool for a resource: in Carpool a client's session, which waits at most once at a time.
 */

import type { FifoLinks } from "../base/fifo-queue.ts";
import type { PoolerError } from "../base/pooler-error.ts";

/**
 * A waiter is told exactly once, by `onGranted` or `onRefused`, unless it is forgotten first.
 * Both may call any verb of the pool, and must not throw.
 */
export interface Waiter<R> extends FifoLinks<Waiter<R>> {
  /** When it began to wait, by the pool's clock. Written by the pool. */
  waitingSinceMs: number;
  /** Its place in the order of all who ever waited at this pool. Written by the pool. */
  ticket: number;
  /**
   * Whether `resource` suits it better than any other idle one would, say because the same settings
   * are in force there. Asked of a few idle resources; must not call the pool.
   */
  prefers(resource: R): boolean;
  /** `resource` is lent to it, until it is released, discarded or gone. */
  onGranted(resource: R): void;
  /** It waits no more. It may ask again. */
  onRefused(error: PoolerError): void;
}

/** Those who wait at one pool, as far as it is asked how many and since when. */
export interface Waiters<R> {
  readonly size: number;
  readonly first: Waiter<R> | null;
}

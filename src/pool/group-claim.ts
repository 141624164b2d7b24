/**
 * One resource of a group that no pool lends: it counts as theirs do, and waits for room as a pool does
 * that has none.
 */

import type { GroupMember } from "./group-member.ts";
import type { PoolGroup } from "./pool-group.ts";

export class GroupClaim implements GroupMember {
  readonly attempts = false;
  readonly held = 0;
  readonly closing = 0;
  readonly oldestIdleSinceMs = Number.POSITIVE_INFINITY;
  readonly oldestWaitSinceMs: number;
  readonly #group: PoolGroup;
  readonly #onGranted: () => void;
  #state: "waiting" | "granted" | "over" = "waiting";

  /** @param onGranted there is room; perhaps called before {@link claim} returns */
  constructor(group: PoolGroup, nowMs: number, onGranted: () => void) {
    this.#group = group;
    this.oldestWaitSinceMs = nowMs;
    this.#onGranted = onGranted;
  }

  get waiting(): number {
    return this.#state === "waiting" ? 1 : 0;
  }

  get wanted(): number {
    return this.waiting;
  }

  /** Asks for room. */
  claim(): void {
    if (this.#state !== "waiting" || !this.#group.take(this, this.oldestWaitSinceMs)) return;
    this.#state = "granted";
    this.#onGranted();
  }

  /** The resource is closed, or no longer wanted. A no-op when repeated. */
  release(nowMs: number): void {
    const state = this.#state;
    this.#state = "over";
    if (state === "granted") this.#group.freed(nowMs);
    else if (state === "waiting") this.#group.leave(this);
  }

  wake(): void {
    this.claim();
  }

  retireOldest(): void {
    // Nothing of it is ever idle.
  }
}

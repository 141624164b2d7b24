/**
 * One resource of a group that no pool lends: it counts as theirs do, and waits for room as a pool does
 * that has none.
 */

import type { GroupMember } from "./group-member.ts";
import type { PoolGroup } from "./pool-group.ts";

export class GroupClaim implements GroupMember {
  readonly name = "";
  readonly size = Number.POSITIVE_INFINITY;
  readonly reserve = 0;
  readonly usesReserve = false;
  scarce = false;
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
    if (state === "over") return;
    if (state === "granted") this.#group.freed(this, nowMs);
    this.#group.leave(this);
  }

  spare(): number {
    return 0;
  }

  wake(): void {
    this.claim();
  }

  retireOldest(): void {
    // Nothing of it is ever idle.
  }
}

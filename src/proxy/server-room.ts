/**
 * The place of one server among all that a tenant may have, for a server that is in no pool.
 */

import type { Clock } from "../base/clock.ts";
import { GroupClaim } from "../pool/group-claim.ts";
import type { PoolGroup } from "../pool/pool-group.ts";
import { TooManyTenantServersError } from "./proxy-errors.ts";

export class ServerRoom {
  readonly #clock: Clock;
  readonly #group: PoolGroup;
  readonly #onReleased: () => void;
  #claim: GroupClaim | null = null;

  /** @param onReleased called at each {@link release} */
  constructor(group: PoolGroup, clock: Clock, onReleased: () => void) {
    this.#group = group;
    this.#clock = clock;
    this.#onReleased = onReleased;
  }

  /** Resolves when there is room. Throws a {@link TooManyTenantServersError} when there was none in time. */
  async take(timeoutMs: number): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const claim = new GroupClaim(this.#group, this.#clock.now(), resolve);
    this.#claim = claim;
    claim.claim();
    const timer = this.#clock.after(timeoutMs, () =>
      reject(new TooManyTenantServersError(this.#group.taken, this.#group.max)),
    );
    try {
      await promise;
    } catch (error) {
      claim.release(this.#clock.now());
      throw error;
    } finally {
      timer.cancel();
    }
  }

  /** The server is gone, or was never there. */
  release(): void {
    this.#claim?.release(this.#clock.now());
    this.#onReleased();
  }
}

/**
 * The place of one server among all that a tenant may have, for a server that is in no pool.
 */

import type { Clock } from "../../base/clock.ts";
import { GroupClaim } from "../../pool/group-claim.ts";
import type { Permits } from "../../pool/permits.ts";
import type { PoolGroup } from "../../pool/pool-group.ts";
import type { CancelKey } from "../../wire/cancel-key.ts";
import { TooManyTenantServersError } from "../proxy-errors.ts";
import { OpenedServers } from "./opened-servers.ts";
import type { ServerAddress } from "./server-address.ts";

export class ServerRoom {
  readonly #clock: Clock;
  readonly #group: PoolGroup;
  readonly #onReleased: () => void;
  readonly #opened: OpenedServers;
  #claim: GroupClaim | null = null;

  /** @param onReleased called at each {@link release} */
  constructor(group: PoolGroup, permits: Permits | null, clock: Clock, onReleased: () => void) {
    this.#opened = new OpenedServers(permits, "");
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

  /** The server is there, and can be cancelled. */
  opened(address: ServerAddress, key: CancelKey): void {
    this.#opened.opened(this, address, key);
  }

  /** The server is gone, or was never there. */
  release(): void {
    this.#opened.gone(this);
    this.#claim?.release(this.#clock.now());
    this.#onReleased();
  }
}

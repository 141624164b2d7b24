/**
 * Whether one client keeps its server, and why.
 *
 *   free ── reserved ── pinned ── free
 *
 * Reserved: a statement of its transaction may pin it, so that it has its place among those of the pool already.
 */

import type { PoolerError } from "../../base/pooler-error.ts";
import {
  ALL_PINS,
  heldPins,
  type PinReason,
  pinProbe,
  pinReasons,
} from "../../session/effects/pin-reasons.ts";
import type { ServerState } from "../../session/server-state.ts";
import type { PinnedClient } from "../pools/pin-list.ts";
import type { PoolPins } from "../pools/pool-pins.ts";
import type { ServerConnection } from "../server/server-connection.ts";

export class ClientPin implements PinnedClient {
  readonly #pool: PoolPins;
  readonly #client: { readonly processId: number };
  #taken = false;
  #reasons = 0;
  /** Its settings were put back in the middle of its hold: what holds is to be read at its end. */
  settingsRestored = false;

  /** @param client whose it is */
  constructor(pool: PoolPins, client: { readonly processId: number }) {
    this.#pool = pool;
    this.#client = client;
  }

  get processId(): number {
    return this.#client.processId;
  }

  get reasons(): readonly PinReason[] {
    return pinReasons(this.#reasons);
  }

  /** Why it keeps its server, as bits of PIN; 0: it does not. */
  get bits(): number {
    return this.#reasons;
  }

  /** Whether it keeps its server, as far as is known without asking. */
  keeps(state: ServerState): boolean {
    return this.#reasons !== 0 && !state.mayUnpin && (state.mayPin & ~this.#reasons) === 0;
  }

  /** Takes its place. Returns why it gets none, or null. */
  reserve(reasons: number): PoolerError | null {
    if (this.#taken) return null;
    const refusal = this.#pool.take(reasons);
    this.#taken = refusal === null;
    return refusal;
  }

  /** These are on its server. Returns whether it keeps that, which it does not for none, nor where there is no room. */
  hold(reasons: number): boolean {
    if (reasons === 0) {
      this.release();
      return false;
    }
    if (this.reserve(reasons) !== null) {
      this.#pool.swept(reasons);
      return false;
    }
    this.#pool.change(this, this.#reasons, reasons);
    this.#reasons = reasons;
    return true;
  }

  /** Its hold is over. */
  release(): void {
    this.#pool.change(this, this.#reasons, 0);
    this.#reasons = 0;
    if (this.#taken) this.#pool.giveBack();
    this.#taken = false;
  }
}

/**
 * Asks a server that is at rest, in the middle of a hold, what binds its client to it. Where PostgreSQL does not say,
 * all that may do so counts: better a server kept for too long than state lost.
 * @param reasons what did so before
 * @param onResult called once with bits of PIN, unless the server is lost
 */
export function probePins(
  server: ServerConnection,
  reasons: number,
  onResult: (held: number) => void,
): void {
  const { state } = server;
  const asked = (state.mayPin | reasons) & ALL_PINS;
  state.mayUnpin = false;
  state.restoring = true;
  server.runOwn(pinProbe(asked), ({ rows, error }) => {
    const held = error === null ? heldPins(asked, rows[0] ?? []) : asked;
    state.restoring = false;
    state.mayPin = held;
    onResult(held);
  });
}

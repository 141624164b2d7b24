/**
 * A session of this process as another process could go on with it: by the same ticket as that of a client whose
 * connection outlives its owner.
 */

import type { MovableClient } from "../../net/movable-client.ts";
import type { Transport } from "../../net/transport.ts";

/** A session, as far as that matters. */
export type LeavableSession = Pick<MovableClient, "tenant" | "mayMove" | "ticketNow">;

export class MovingSession implements MovableClient {
  readonly transport: Transport;
  readonly #session: LeavableSession;

  constructor(session: LeavableSession, transport: Transport) {
    this.#session = session;
    this.transport = transport;
  }

  get tenant(): string {
    return this.#session.tenant;
  }

  get mayMove(): boolean {
    return !this.transport.closed && this.#session.mayMove;
  }

  ticketNow(): string | null {
    return this.transport.descriptor === null ? null : this.#session.ticketNow();
  }
}

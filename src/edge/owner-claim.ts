/**
 * By what an owner takes a client: the opening of its channel, or the ticket that the owner before has left for it.
 * Both as a link carries them.
 */

import type { PoolerError } from "../base/pooler-error.ts";
import type { ChannelOpening } from "../net/channel-opening.ts";
import { encodeChannelOpening } from "../net/channel-opening-codec.ts";
import { OwnerAwayError, OwnerLostError } from "./owner-lost-errors.ts";

/** What may be said again to the next owner where nothing has come of it. */
export interface OwnerClaim {
  /** Until when the client waits for its owner. */
  readonly deadlineMs: number;
  /** What a channel is opened with at `nowMs`. */
  openingAt(nowMs: number): unknown;
  /** Why the client is sent away when it has waited in vain. */
  refusalAt(nowMs: number): PoolerError;
}

/** Where a worker that was killed takes longer to be there again, the client had better try again. */
const OWNER_TIMEOUT_MS = 10_000;

/** A client that has not logged in; what it sent behind its startup is not in it. */
export class LoginClaim implements OwnerClaim {
  readonly deadlineMs: number;
  readonly #opening: ChannelOpening;
  readonly #sinceMs: number;

  /** @param loginTimeoutMs how long it may take to log in */
  constructor(opening: ChannelOpening, nowMs: number, loginTimeoutMs: number) {
    const leftMs = Math.max(loginTimeoutMs - opening.connectedForMs, 0);
    this.#opening = opening;
    this.#sinceMs = nowMs;
    this.deadlineMs = nowMs + Math.min(leftMs, OWNER_TIMEOUT_MS);
  }

  openingAt(nowMs: number): unknown {
    const connectedForMs = this.#opening.connectedForMs + nowMs - this.#sinceMs;
    return encodeChannelOpening({ ...this.#opening, connectedForMs, early: null });
  }

  refusalAt(nowMs: number): PoolerError {
    return new OwnerAwayError(nowMs - this.#sinceMs);
  }
}

/** A client that its owner has let in, and that has nothing under way. */
export class TicketClaim implements OwnerClaim {
  readonly deadlineMs: number;
  readonly #ticket: string;

  constructor(ticket: string, nowMs: number) {
    this.#ticket = ticket;
    this.deadlineMs = nowMs + OWNER_TIMEOUT_MS;
  }

  openingAt(): unknown {
    return { ticket: this.#ticket };
  }

  refusalAt(): PoolerError {
    return new OwnerLostError();
  }
}

/** Returns the ticket that a channel was opened with; null: it was opened for a client that is to log in. */
export function ticketIn(opening: unknown): string | null {
  if (typeof opening !== "object" || opening === null || !("ticket" in opening)) return null;
  return typeof opening.ticket === "string" ? opening.ticket : null;
}

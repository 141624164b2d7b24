/**
 * A pooler's clients leave while their time lasts: those that can be moved go on in another process, the others are
 * sent away, and not all at once.
 */

import type { Clock } from "../../base/clock.ts";
import type { GradualDeparture } from "../../proxy/client/gradual-departure.ts";
import type { ClientMoves } from "./client-moves.ts";

export interface LeavingClients {
  /** How many are here. */
  readonly clients: number;
  /** @param areMoved whether others go on with those that can be moved */
  beginDeparture(areMoved: () => boolean): GradualDeparture;
}

/** How often some of them are told. */
const POLL_MS = 50;

/**
 * How often it is looked who can be moved. One that sends query after query has nothing under way for the moment only
 * between an answer and its next query: who looks after each turn of the event loop finds it there.
 */
const MOVE_POLL_MS = 1;

/** Who was not found in such a moment by then is in a long transaction. */
const MOVE_OFTEN_MS = 3000;

/**
 * Returns when none is left, or `overMs` are over: then all have been told that could not be moved.
 * @param moves null: nobody goes on with them
 */
export async function leaveGradually(
  leaving: LeavingClients,
  clock: Clock,
  overMs: number,
  moves: ClientMoves | null,
): Promise<void> {
  const departure = leaving.beginDeparture(() => moves?.isPossible === true);
  const startMs = clock.now();
  while (leaving.clients > 0 && clock.now() < startMs + overMs) {
    moves?.work();
    const leftForMs = clock.now() - startMs;
    departure.endShare(leftForMs / overMs);
    const isMoving = moves !== null && moves.pending > 0 && leftForMs < MOVE_OFTEN_MS;
    // oxlint-disable-next-line no-await-in-loop -- there is no event for the last of many
    await Bun.sleep(isMoving ? MOVE_POLL_MS : POLL_MS);
  }
}

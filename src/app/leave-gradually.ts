/**
 * A pooler's clients leave while their time lasts, and not all at once.
 */

import type { Clock } from "../base/clock.ts";
import type { GradualDeparture } from "../proxy/gradual-departure.ts";

export interface LeavingClients {
  /** How many are here. */
  readonly clients: number;
  beginDeparture(areMoved: () => boolean): GradualDeparture;
}

/** How often some of them are told. */
const POLL_MS = 50;

/** Returns when none is left, or `overMs` are over: then all have been told. */
export async function leaveGradually(
  leaving: LeavingClients,
  clock: Clock,
  overMs: number,
): Promise<void> {
  const departure = leaving.beginDeparture(() => false);
  const startMs = clock.now();
  while (leaving.clients > 0 && clock.now() < startMs + overMs) {
    departure.endShare((clock.now() - startMs) / overMs);
    // oxlint-disable-next-line no-await-in-loop -- there is no event for the last of many
    await Bun.sleep(POLL_MS);
  }
}

/**
 * What all connections of a worker share while they move bytes: each is empty between two chunks.
 */

import type { Clock } from "../../base/clock.ts";
import { RunWriter } from "../../session/relay/run-writer.ts";

export class RelayScratch {
  readonly clock: Clock;
  readonly toClient = new RunWriter();
  readonly toServer = new RunWriter();

  constructor(clock: Clock) {
    this.clock = clock;
  }
}

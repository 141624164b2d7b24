/**
 * What all connections of a worker share while they move bytes: each is empty between two chunks.
 */

import type { Clock } from "../base/clock.ts";
import { RunWriter } from "../session/run-writer.ts";
import { ByteWriter } from "../wire/byte-writer.ts";

export class RelayScratch {
  readonly clock: Clock;
  readonly toClient = new RunWriter();
  readonly toServer = new RunWriter();
  readonly messages = new ByteWriter();

  constructor(clock: Clock) {
    this.clock = clock;
  }
}

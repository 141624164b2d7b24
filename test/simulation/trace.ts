/**
 * What happens in a schedule, step by step. Kept only where somebody will read it: most schedules run without.
 */

import type { Clock } from "../../src/base/clock.ts";

export class Trace {
  readonly #clock: Clock;
  readonly #lines: string[] = [];

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  get lines(): readonly string[] {
    return this.#lines;
  }

  note(line: string): void {
    this.#lines.push(`${this.#clock.now()} ms  ${line.replaceAll(/[^\x20-\x7e]+/g, "·")}`);
  }
}

/**
 * The real time.
 */

import type { Clock, Timer } from "../../base/clock.ts";

export class SystemClock implements Clock {
  now(): number {
    return performance.now();
  }

  after(delayMs: number, callback: () => void): Timer {
    const timer = setTimeout(callback, delayMs);
    return { cancel: () => clearTimeout(timer) };
  }
}

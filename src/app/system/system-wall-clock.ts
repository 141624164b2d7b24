/**
 * The real time of day.
 */

import type { WallClock } from "../../base/wall-clock.ts";

export class SystemWallClock implements WallClock {
  iso(): string {
    return new Date().toISOString();
  }
}

/**
 * Randomness from the operating system.
 */

import type { Random } from "../../base/random.ts";

export class SystemRandom implements Random {
  bytes(count: number): Uint8Array<ArrayBuffer> {
    return crypto.getRandomValues(new Uint8Array(count));
  }
}

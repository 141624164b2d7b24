/**
 * Spreads times, so that what began together does not end or try again together.
 */

import type { Random } from "../base/random.ts";

/** Returns `wholeMs` less a random part of it, at most `spread` (0..1). Never more than `wholeMs`. */
export function withJitter(random: Random, wholeMs: number, spread: number): number {
  const [high = 0, low = 0] = random.bytes(2);
  return wholeMs * (1 - (spread * (high * 256 + low)) / 65_536);
}

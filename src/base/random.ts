/**
 * Randomness as an argument, so that a seed replays a whole schedule.
 */

export interface Random {
  /** Returns `count` fresh bytes, unpredictable where it comes from `app/`. */
  bytes(count: number): Uint8Array<ArrayBuffer>;
}

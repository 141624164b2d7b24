/**
 * A vault key and randomness for tests.
 */

import type { Random } from "../../src/base/random.ts";

export const KEY = Buffer.from("0123456789abcdef0123456789abcdef");

export const random: Random = {
  bytes: (count) => crypto.getRandomValues(new Uint8Array(count)),
};

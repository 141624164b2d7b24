/**
 * The effects of a text that nobody could read, or not all of it: the most that its words allow.
 */

import { customNames } from "./custom-names.ts";
import { type Effects, PIN, UNREAD } from "./effects.ts";

const WORDS: readonly (readonly [RegExp, number])[] = [
  [/temp/i, PIN.temporary],
  [/advisory/i, PIN.advisoryLock],
  [/\bwith\s+hold\b/i, PIN.holdableCursor],
  [/\blisten\b/i, PIN.listen],
];

/** Returns them for a text that PostgreSQL refuses, most likely. */
export function guessEffects(sql: string): Effects {
  let pins = 0;
  for (const [word, bit] of WORDS) if (word.test(sql)) pins |= bit;
  return { ...UNREAD, customNames: customNames(sql), pins };
}

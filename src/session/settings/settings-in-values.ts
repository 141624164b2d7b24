/**
 * Names of what may be custom settings in the values of a Bind: `set_config($1, …)` says none in its text.
 */

import { customNames } from "../../sql/custom-names.ts";

/** How much of a Bind is searched for names: as much as is read of it before it is passed on. */
export const BIND_SEARCHED_BYTES = 8192;

const latin1 = new TextDecoder("latin1");

/** Returns folded names of what may be custom settings in the values of a Bind, which begin at `start`. */
export function settingNamesInValues(
  bytes: Uint8Array,
  start: number,
  end: number,
): readonly string[] {
  const searchedEnd = Math.min(end, start + BIND_SEARCHED_BYTES);
  return customNames(latin1.decode(bytes.subarray(start, searchedEnd)));
}

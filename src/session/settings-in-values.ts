/**
 * Names of what may be custom settings in the values of a Bind: `set_config($1, …)` says none in its text.
 */

import { customNames } from "../sql/custom-names.ts";

/** How much of a Bind is searched for names. */
const VALUES_BYTES_MAX = 8192;

const latin1 = new TextDecoder("latin1");

/** Returns folded names of what may be custom settings in the values of a Bind. */
export function settingNamesInValues(
  bytes: Uint8Array,
  start: number,
  end: number,
): readonly string[] {
  return customNames(latin1.decode(bytes.subarray(start, Math.min(end, start + VALUES_BYTES_MAX))));
}

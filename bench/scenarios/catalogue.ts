/**
 * Every scenario there is, in the order of the table. A new one is added here and nowhere else.
 */

import { LARGE_RESULT, SMALL_ROWS_RESULT } from "./results.ts";
import type { Scenario } from "./scenario.ts";
import { CONNECT, EXTENDED, PREPARED, PREPARED_TLS, SIMPLE, SIMPLE_TLS } from "./select-one.ts";
import { OTHER_SETTINGS, SAME_SETTINGS } from "./settings.ts";
import { TPCB_EXTENDED, TPCB_SIMPLE } from "./tpcb.ts";

export const SCENARIOS: readonly Scenario[] = [
  SIMPLE,
  EXTENDED,
  PREPARED,
  TPCB_SIMPLE,
  TPCB_EXTENDED,
  LARGE_RESULT,
  SMALL_ROWS_RESULT,
  SIMPLE_TLS,
  PREPARED_TLS,
  CONNECT,
  SAME_SETTINGS,
  OTHER_SETTINGS,
];

/** The scenario of that name, or null. */
export function findScenario(name: string): Scenario | null {
  return SCENARIOS.find((scenario) => scenario.name === name) ?? null;
}

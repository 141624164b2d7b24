/**
 * Every scenario there is, in the order of the table. A new one is added here and nowhere else.
 */

import type { Scenario } from "./scenario.ts";
import { EXTENDED, PREPARED, SIMPLE } from "./select-one.ts";

export const SCENARIOS: readonly Scenario[] = [SIMPLE, EXTENDED, PREPARED];

/** The scenario of that name, or null. */
export function findScenario(name: string): Scenario | null {
  return SCENARIOS.find((scenario) => scenario.name === name) ?? null;
}

/**
 * How many processes serve clients.
 */

import { availableParallelism } from "node:os";
import type { Config } from "./settings.ts";

/** Returns WORKERS, or how many cores this process may use. */
export function workersOf({ workers }: Pick<Config, "workers">): number {
  return workers ?? availableParallelism();
}

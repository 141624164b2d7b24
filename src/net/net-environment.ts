/**
 * What every socket needs from outside, built once by `app/`. Transports share one.
 */

import type { Clock } from "../base/clock.ts";
import type { Logger } from "../base/logger.ts";
import type { DialLimit } from "./dial-limit.ts";
import type { KernelOptions } from "./kernel-options.ts";

export interface NetEnvironment {
  readonly clock: Clock;
  readonly logger: Logger;
  readonly kernel: KernelOptions;
  /** Absent: as many as the system allows. */
  readonly dialLimit?: DialLimit;
}

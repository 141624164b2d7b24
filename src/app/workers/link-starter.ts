/**
 * Links as the processes of one node make them.
 */

import type { Clock } from "../../base/clock.ts";
import type { Logger } from "../../base/logger.ts";
import type { StartLink } from "../../cluster/link-mesh.ts";
import { Link } from "../../link/link.ts";

/** Both sides are on this machine, and neither is slower than its start. */
const HANDSHAKE_TIMEOUT_MS = 5000;

/** Returns what makes a link of a stream. */
export function linkStarter(clock: Clock, logger: Logger): StartLink {
  return (channel, role, hello, handler) =>
    Link.start({
      channel,
      role,
      hello,
      handler,
      clock,
      logger,
      handshakeTimeoutMs: HANDSHAKE_TIMEOUT_MS,
      afterTurn: setImmediate,
    });
}

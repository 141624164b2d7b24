/**
 * Sockets that systemd has opened for this process (sd_listen_fds(3)): with them, ports below 1024 need no rights, and
 * clients that come while nothing runs wait.
 */

import { closeSync } from "node:fs";
import { canonicalAddress } from "../../base/ip-address.ts";
import type { Logger } from "../../base/logger.ts";
import type { Config } from "../../config/settings.ts";
import { ListeningSocketMaker } from "../../net/listening-socket.ts";
import type { InetAddress } from "../../net/socket-address.ts";
import type { ListeningSocket } from "./listening-sockets.ts";
import { ALL_PORTS, type PortPlace, placesOf } from "./port-place.ts";

type Environment = Readonly<Record<string, string | undefined>>;

/** SD_LISTEN_FDS_START. */
const FIRST_DESCRIPTOR = 3;

/**
 * Returns those whose port the settings name; whoever gets them closes them. What systemd has opened beside that is
 * closed, and logged.
 */
export function activatedSockets(
  environment: Environment,
  config: Config,
  logger: Logger,
): readonly ListeningSocket[] {
  const maker = ListeningSocketMaker.forThisSystem();
  // Inherited from a process that they were meant for, the variables mean nothing here.
  if (maker === null || environment["LISTEN_PID"] !== String(process.pid)) return [];
  const places = placesOf(config, ALL_PORTS);
  const count = Number(environment["LISTEN_FDS"] ?? 0);
  const descriptors = Array.from({ length: count }, (_, index) => FIRST_DESCRIPTOR + index);
  return descriptors.flatMap((inherited) => {
    const address = maker.addressOf(inherited);
    const place = address === null ? undefined : placeOf(address, places);
    // A copy that no process of ours inherits by chance.
    const kept = place === undefined ? null : maker.duplicate(inherited);
    closeSync(inherited);
    if (place !== undefined && kept !== null) return [{ ...place, descriptor: kept }];
    logger.warn({ ...address }, "systemd has opened a socket that no setting names");
    return [];
  });
}

/** Where a port has one address only, systemd may have chosen another one for it. */
function placeOf(address: InetAddress, places: readonly PortPlace[]): PortPlace | undefined {
  const candidates = places.filter(({ port }) => port !== 0 && port === address.port);
  if (candidates.length <= 1) return candidates[0];
  return candidates.find(({ hostname }) => canonicalAddress(hostname) === address.hostname);
}

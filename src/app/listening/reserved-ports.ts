/**
 * The ports that workers are to share. Since any process of this user could listen there beside them, it is
 * found out before whether anybody does.
 */

import type { Config } from "../../config/settings.ts";
import type { PortMode } from "../../net/channel-opening.ts";
import { PortInUseError } from "../../net/listen-error.ts";
import { type Listener, listen } from "../../net/listener.ts";
import type { NetEnvironment } from "../../net/net-environment.ts";
import type { Transport } from "../../net/transport.ts";
import type { PoolerPorts } from "../pooler.ts";
import { PortTakenError, PortUnusableError } from "../start-errors.ts";
import { SETTING_OF } from "./port-place.ts";

export class ReservedPorts {
  readonly ports: PoolerPorts;
  readonly #listeners: readonly Listener[];

  private constructor(ports: PoolerPorts, listeners: readonly Listener[]) {
    this.ports = ports;
    this.#listeners = listeners;
  }

  /**
   * Chooses ports where the settings say 0, and holds those: nobody knows them yet, so nobody comes. Throws a
   * PortTakenError or PortUnusableError.
   */
  static choose(config: Config, environment: NetEnvironment): ReservedPorts {
    const held: Listener[] = [];
    const reserve = (mode: PortMode, port: number): number =>
      reservePort(config.listenAddress, port, SETTING_OF[mode], environment, held);
    try {
      const ports = {
        transaction: reserve("transaction", config.proxyPortTransaction),
        session: reserve("session", config.proxyPortSession),
        native: reserve("native", config.proxyPortNative),
      };
      return new ReservedPorts(ports, held);
    } catch (error) {
      for (const listener of held) listener.stop();
      throw error;
    }
  }

  /** The workers listen now. */
  release(): void {
    for (const listener of this.#listeners) listener.stop();
  }
}

function reservePort(
  hostnames: readonly string[],
  wanted: number,
  setting: string,
  environment: NetEnvironment,
  held: Listener[],
): number {
  let port = wanted;
  for (const hostname of hostnames) {
    const listener = tryPort(hostname, port, wanted === 0, setting, environment);
    if (wanted === 0) held.push(listener);
    else listener.stop();
    ({ port } = listener);
  }
  return port;
}

function tryPort(
  hostname: string,
  port: number,
  shared: boolean,
  setting: string,
  environment: NetEnvironment,
): Listener {
  try {
    return listen({ hostname, port, backlog: 1, shared, onConnection: turnAway }, environment);
  } catch (error) {
    if (error instanceof PortInUseError) throw new PortTakenError(setting, hostname, port);
    throw new PortUnusableError(setting, error);
  }
}

/** Nobody is expected. */
function turnAway(transport: Transport): void {
  transport.destroy();
}

/**
 * Where Carpool listens, and what for.
 */

import type { Config } from "../../config/settings.ts";
import type { PortMode } from "../../net/channel-opening.ts";

/** What is served at a port: a mode of pooling, or HTTP. */
export type PortUse = PortMode | "http";

/** One address to listen on. */
export interface PortPlace<Use extends PortUse = PortUse> {
  readonly use: Use;
  readonly hostname: string;
  /** 0: any. */
  readonly port: number;
  /** Of a socket that listens there already. */
  readonly descriptor?: number;
}

/** The ports that workers serve. */
export const POOLER_PORTS: readonly PortMode[] = ["transaction", "session", "native"];

/** All ports. */
export const ALL_PORTS: readonly PortUse[] = [...POOLER_PORTS, "http"];

/** The setting that chooses the port. */
export const SETTING_OF: Readonly<Record<PortUse, string>> = {
  transaction: "PROXY_PORT_TRANSACTION",
  session: "PROXY_PORT_SESSION",
  native: "PROXY_PORT_NATIVE",
  http: "PORT",
};

/** Returns every address that the settings name for these uses. */
export function placesOf<Use extends PortUse>(
  config: Config,
  uses: readonly Use[],
): readonly PortPlace<Use>[] {
  const ports: Readonly<Record<PortUse, number>> = {
    transaction: config.proxyPortTransaction,
    session: config.proxyPortSession,
    native: config.proxyPortNative,
    http: config.port,
  };
  return uses.flatMap((use) =>
    config.listenAddress.map((hostname) => ({ use, hostname, port: ports[use] })),
  );
}

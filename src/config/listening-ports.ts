/**
 * The settings that name a port to listen on.
 */

import type { Config } from "./settings.ts";

/** Returns each such setting's name with its port; 0 stands for a free one. */
export function listeningPorts(config: Config): readonly (readonly [name: string, port: number])[] {
  return [
    ["PROXY_PORT_TRANSACTION", config.proxyPortTransaction],
    ["PROXY_PORT_SESSION", config.proxyPortSession],
    ["PROXY_PORT_NATIVE", config.proxyPortNative],
    ["PORT", config.port],
  ];
}

/**
 * The certificates that clients are shown, as the settings name them.
 */

import type { Config } from "../config/settings.ts";
import { TlsContexts } from "../net/tls-contexts.ts";

/** Reads them; null where there are none. Throws a TlsConfigurationError. */
export function clientTls(config: Config): TlsContexts | null {
  const { globalDownstreamCertPath: certificatePath, globalDownstreamKeyPath: keyPath } = config;
  return certificatePath === null || keyPath === null
    ? null
    : new TlsContexts([{ certificatePath, keyPath }]);
}

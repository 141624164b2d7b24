/**
 * Certificates: what clients are shown, and what servers are verified against.
 */

import { path } from "../text-settings.ts";

export const TLS_SETTINGS = {
  globalDownstreamCertPath: path({
    name: "GLOBAL_DOWNSTREAM_CERT_PATH",
    group: "TLS",
    default: null,
    reloadable: true,
    summary:
      "Certificate chain (PEM) shown to clients. Goes with GLOBAL_DOWNSTREAM_KEY_PATH; without both, clients get no TLS. A reload reads the files again.",
  }),
  globalDownstreamKeyPath: path({
    name: "GLOBAL_DOWNSTREAM_KEY_PATH",
    group: "TLS",
    default: null,
    reloadable: true,
    summary: "Private key (PEM, without a passphrase) of GLOBAL_DOWNSTREAM_CERT_PATH.",
  }),
  globalUpstreamCaPath: path({
    name: "GLOBAL_UPSTREAM_CA_PATH",
    group: "TLS",
    default: null,
    reloadable: true,
    summary:
      "Certificates (PEM) of the authorities that servers are verified against, in place of each tenant's own. Without it, a tenant's own hold.",
  }),
} as const;

/**
 * What must hold between settings, each of which is right by itself.
 */

import { listeningPorts } from "./listening-ports.ts";
import type { Config } from "./settings.ts";

/** Returns a sentence for each relation that `config` breaks. */
export function checkRelations(config: Config): readonly string[] {
  return [
    ...checkPorts(config),
    ...checkAddresses(config),
    ...checkCertificate(config),
    ...checkVaultKey(config),
    ...checkProxyProtocol(config),
  ];
}

function checkPorts(config: Config): readonly string[] {
  const ports = listeningPorts(config);
  return ports.flatMap(([name, port], index) => {
    const first = ports.slice(0, index).find(([, earlier]) => port !== 0 && earlier === port);
    return first === undefined ? [] : [`${first[0]} and ${name} must differ: both are ${port}`];
  });
}

function checkAddresses({ listenAddress }: Config): readonly string[] {
  const wildcard = listenAddress.find((address) => address === "::" || address === "0.0.0.0");
  if (wildcard === undefined || listenAddress.length === 1) return [];
  return [`LISTEN_ADDRESS must be ${wildcard} alone, since that takes the others too`];
}

function checkProxyProtocol({ proxyProtocol, proxyProtocolTrusted }: Config): readonly string[] {
  if (proxyProtocol === "off" || proxyProtocolTrusted !== null) return [];
  return [`PROXY_PROTOCOL is ${proxyProtocol}, so PROXY_PROTOCOL_TRUSTED must be set`];
}

function checkCertificate(config: Config): readonly string[] {
  const { globalDownstreamCertPath: certificate, globalDownstreamKeyPath: key } = config;
  if (certificate !== null && key === null) {
    return ["GLOBAL_DOWNSTREAM_CERT_PATH is set, so GLOBAL_DOWNSTREAM_KEY_PATH must be too"];
  }
  if (certificate === null && key !== null) {
    return ["GLOBAL_DOWNSTREAM_KEY_PATH is set, so GLOBAL_DOWNSTREAM_CERT_PATH must be too"];
  }
  if (certificate === null && config.clientAuthMethod === "password") {
    return [
      "CLIENT_AUTH_METHOD=password works only inside TLS, so GLOBAL_DOWNSTREAM_CERT_PATH must be set",
    ];
  }
  return [];
}

/** A key file is one machine's; what it sealed, no other could open. */
function checkVaultKey({ databaseUrl, vaultEncKey }: Config): readonly string[] {
  if (databaseUrl.startsWith("sqlite:") || vaultEncKey !== null) return [];
  return [
    "DATABASE_URL is a PostgreSQL, which several Carpools can share, so VAULT_ENC_KEY must be set, to the same key for all",
  ];
}

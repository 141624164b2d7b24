/**
 * Where Carpool listens.
 */

import { z } from "zod";
import { port } from "../integer-settings.ts";
import { list } from "../text-settings.ts";

/** Only `net` may import node:net, where isIP lives. */
const ipAddress = z.union([z.ipv4(), z.ipv6()]);

export const LISTENING_SETTINGS = {
  proxyPortTransaction: port({
    name: "PROXY_PORT_TRANSACTION",
    group: "Listening",
    default: "6543",
    reloadable: false,
    summary: "Port of transaction mode. 0 takes a free one. Supavisor's default.",
  }),
  proxyPortSession: port({
    name: "PROXY_PORT_SESSION",
    group: "Listening",
    default: "5432",
    reloadable: false,
    summary: "Port of session mode. 0 takes a free one. Supavisor's default.",
  }),
  proxyPortNative: port({
    name: "PROXY_PORT_NATIVE",
    group: "Listening",
    default: "6544",
    reloadable: false,
    summary:
      "Port of native mode, a byte pipe to the tenant's server for migrations and replication. 0 takes a free one. The default is the next after transaction mode's.",
  }),
  port: port({
    name: "PORT",
    group: "Listening",
    default: "4000",
    reloadable: false,
    summary: "Port of HTTP, with /api/health. 0 takes a free one. Supavisor's default.",
  }),
  listenAddress: list({
    name: "LISTEN_ADDRESS",
    group: "Listening",
    default: "::",
    reloadable: false,
    range: "IP addresses, separated by commas",
    accepts: (item) => ipAddress.safeParse(item).success,
    summary:
      "Addresses that all ports listen on. `::` is every address of the machine, IPv6 and IPv4; on a machine without IPv6, write `0.0.0.0`. The default is to be reachable, as Supavisor is.",
  }),
} as const;

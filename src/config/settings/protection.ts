/**
 * Whom to believe, and whom to keep out for a while.
 */

import { z } from "zod";
import { choice, list } from "../text-settings.ts";

const cidr = z.union([z.cidrv4(), z.cidrv6()]);

export const PROTECTION_SETTINGS = {
  proxyProtocol: choice({
    name: "PROXY_PROTOCOL",
    group: "Protection",
    default: "off",
    reloadable: true,
    choices: ["off", "required", "optional"],
    summary:
      "Whether connections to the PostgreSQL ports that come from PROXY_PROTOCOL_TRUSTED begin with a header of the PROXY protocol, version 1 or 2. The address in it is then the client's: for allow lists, bans and logs. Connections from elsewhere never have one.",
  }),
  proxyProtocolTrusted: list({
    name: "PROXY_PROTOCOL_TRUSTED",
    group: "Protection",
    default: null,
    reloadable: true,
    range: "ranges in CIDR notation, separated by commas",
    accepts: (item) => cidr.safeParse(item).success,
    summary:
      "Networks of the load balancers that speak the PROXY protocol. Who can connect from there can claim any address.",
  }),
} as const;

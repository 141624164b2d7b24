/**
 * Whom to believe, and whom to keep out for a while.
 */

import { z } from "zod";
import { count, milliseconds } from "../integer-settings.ts";
import { choice, list } from "../text-settings.ts";

const DAY_MS = 86_400_000;

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
  authFailureLimit: count({
    name: "AUTH_FAILURE_LIMIT",
    group: "Protection",
    default: "10",
    reloadable: true,
    min: 1,
    max: 100,
    zero: "never",
    summary:
      "So many failed logins of an address (of the /64 network, with IPv6) at a tenant within AUTH_FAILURE_WINDOW ban it from that tenant for AUTH_FAILURE_BAN. A wrong password counts, and a user that does not exist. Supavisor's limit.",
  }),
  authFailureWindowMs: milliseconds({
    name: "AUTH_FAILURE_WINDOW",
    group: "Protection",
    default: "150s",
    reloadable: true,
    min: 1000,
    max: DAY_MS,
    summary: "How far back the failed logins of an address count. Supavisor's window.",
  }),
  authFailureBanMs: milliseconds({
    name: "AUTH_FAILURE_BAN",
    group: "Protection",
    default: "120s",
    reloadable: true,
    min: 1000,
    max: 30 * DAY_MS,
    summary:
      "How long an address is banned after AUTH_FAILURE_LIMIT failed logins. Supavisor's time.",
  }),
} as const;

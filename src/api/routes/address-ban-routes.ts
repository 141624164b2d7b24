/**
 * Addresses that are banned for a time after failed logins, as Supavisor's API shows and lifts them. It has
 * IPv4 in its names, and puts IPv6 there too; here each has a list of its own.
 */

import { createRoute, z } from "@hono/zod-openapi";
import type { AuditLog } from "../../control/audit.ts";
import type { TenantControl } from "../../control/tenant-control.ts";
import type { Traffic } from "../../control/traffic.ts";
import { BODY_FAILURES, COMMON_FAILURES, json, NOT_FOUND } from "../answers.ts";
import type { ApiApp } from "../environment.ts";
import { documentWithBody, type ReadBody } from "../operation.ts";
import { parseBody } from "../validation.ts";
import { tenantParams } from "./tenant-routes.ts";

export interface AddressBanRouteParts {
  readonly tenants: TenantControl;
  readonly traffic: Traffic;
  readonly audit: AuditLog;
  readonly readBody: ReadBody;
}

const ADDRESSES_MAX = 1000;

const bannedSchema = z.array(
  z.object({
    banned_address: z.string(),
    banned_until: z.int().describe("Unix time, in seconds"),
  }),
);
const bansSchema = z
  .object({ banned_ipv4_addresses: bannedSchema, banned_ipv6_addresses: bannedSchema })
  .meta({ id: "AddressBans" });

const addresses = (address: z.ZodType<string>) => z.array(address).max(ADDRESSES_MAX).default([]);
const liftSchema = z.strictObject({
  ipv4_addresses: addresses(z.ipv4("must be an IPv4 address")),
  ipv6_addresses: addresses(z.ipv6("must be an IPv6 address")),
});

const common = {
  tags: ["Address bans"],
  security: [{ bearer: [] }],
  path: "/api/tenants/{id}/network_bans",
  request: { params: tenantParams },
};

const listBans = createRoute({
  ...common,
  method: "get",
  operationId: "listAddressBans",
  summary: "Addresses that may not log in for now",
  responses: { 200: json("The addresses", bansSchema), ...COMMON_FAILURES, ...NOT_FOUND },
});

const liftBans = createRoute({
  ...common,
  hide: true,
  method: "delete",
  operationId: "liftAddressBans",
  summary: "Lets addresses log in again",
  responses: {
    200: json("The addresses that are still banned", bansSchema),
    ...COMMON_FAILURES,
    ...BODY_FAILURES,
    ...NOT_FOUND,
  },
});

/** Adds the routes. */
export function addAddressBanRoutes(app: ApiApp, parts: AddressBanRouteParts): void {
  const { tenants, traffic, audit, readBody } = parts;

  app.openapi(listBans, async (context) => {
    const { id } = context.req.valid("param");
    await tenants.get(id);
    return context.json(toAnswer(await traffic.addressBans(id)), 200);
  });

  documentWithBody(app, liftBans, liftSchema);
  app.openapi(liftBans, async (context) => {
    const { id } = context.req.valid("param");
    const lifted = parseBody(await readBody(context), liftSchema);
    await tenants.get(id);
    const all = [...lifted.ipv4_addresses, ...lifted.ipv6_addresses];
    const left = await traffic.liftAddressBans(id, all);
    const changes = [{ field: "address_bans", before: all.join(","), after: null }];
    audit.write({
      actor: context.var.actor,
      action: "tenant.lift_address_bans",
      subject: id,
      changes,
    });
    return context.json(toAnswer(left), 200);
  });
}

function toAnswer(bans: Awaited<ReturnType<Traffic["addressBans"]>>): z.output<typeof bansSchema> {
  const shown = bans.map(({ address, bannedUntilMs }) => ({
    banned_address: address,
    banned_until: Math.ceil(bannedUntilMs / 1000),
  }));
  return {
    banned_ipv4_addresses: shown.filter((ban) => !ban.banned_address.includes(":")),
    banned_ipv6_addresses: shown.filter((ban) => ban.banned_address.includes(":")),
  };
}

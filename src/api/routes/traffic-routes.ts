/**
 * What runs for a tenant, over HTTP: looked at, paused, drained and ended. Each but the look leaves an audit
 * record.
 */

import { createRoute, z } from "@hono/zod-openapi";
import type { AuditLog } from "../../control/audit.ts";
import type { TenantControl } from "../../control/tenant-control.ts";
import type { Traffic } from "../../control/traffic.ts";
import { BODY_FAILURES, COMMON_FAILURES, json, NOT_FOUND, STATE_CONFLICT } from "../answers.ts";
import type { ApiApp, ApiContext } from "../environment.ts";
import { documentWithBody, type ReadBody } from "../operation.ts";
import { RequestRefused } from "../request-refused.ts";
import { tenantStateSchema, toTenantState } from "../tenant-state.ts";
import { parseBody } from "../validation.ts";
import { tenantParams } from "./tenant-routes.ts";

export interface TrafficRouteParts {
  readonly tenants: TenantControl;
  readonly traffic: Traffic;
  readonly audit: AuditLog;
  readonly readBody: ReadBody;
}

/** A connection of HTTP on which nothing is said is closed after 255 s. */
const TIMEOUT_MS_MAX = 240_000;
const TIMEOUT_MS_DEFAULT = 30_000;

const tag = { tags: ["Traffic"], security: [{ bearer: [] }] };
const params = { request: { params: tenantParams } };

const timeoutRule = `must be a whole number from 1 to ${TIMEOUT_MS_MAX} ms`;
const timeoutSchema = z.strictObject({
  timeout: z
    .int(timeoutRule)
    .min(1, timeoutRule)
    .max(TIMEOUT_MS_MAX, timeoutRule)
    .default(TIMEOUT_MS_DEFAULT)
    .describe("How long to wait at most, in milliseconds"),
});

const endedSchema = z.object({
  clients: z.int().describe("How many were ended"),
  servers: z.int().describe("How many were closed"),
});

const getState = createRoute({
  ...tag,
  ...params,
  method: "get",
  path: "/api/tenants/{id}/state",
  operationId: "getTenantState",
  summary: "Clients, servers, who waits and who pins, and the last errors",
  responses: {
    200: json("What runs now", z.object({ data: tenantStateSchema })),
    ...COMMON_FAILURES,
    ...NOT_FOUND,
  },
});

const terminateResponses = {
  200: json("They are ended", endedSchema.extend({ result: z.string() })),
  ...COMMON_FAILURES,
  ...NOT_FOUND,
};

const terminate = createRoute({
  ...tag,
  ...params,
  method: "post",
  path: "/api/tenants/{id}/terminate",
  operationId: "terminateTenant",
  summary: "Ends all clients (57P01) and servers at once; new clients are welcome",
  responses: terminateResponses,
});

const terminateByGet = createRoute({
  ...tag,
  ...params,
  method: "get",
  path: "/api/tenants/{id}/terminate",
  operationId: "terminateTenantByGet",
  deprecated: true,
  summary: "As POST, for programs made for Supavisor. What follows links can end connections",
  responses: terminateResponses,
});

const pause = createRoute({
  ...tag,
  ...params,
  hide: true,
  method: "post",
  path: "/api/tenants/{id}/pause",
  operationId: "pauseTenant",
  summary:
    "Lends no server any more and waits until all are back and closed; clients wait meanwhile",
  responses: {
    200: json(
      "It is paused",
      z.object({ data: z.object({ paused: z.boolean(), servers: z.int() }) }),
    ),
    ...COMMON_FAILURES,
    ...BODY_FAILURES,
    ...NOT_FOUND,
    ...STATE_CONFLICT,
  },
});

const resume = createRoute({
  ...tag,
  ...params,
  method: "post",
  path: "/api/tenants/{id}/resume",
  operationId: "resumeTenant",
  summary: "Lends servers again",
  responses: { 204: { description: "It goes on" }, ...COMMON_FAILURES, ...NOT_FOUND },
});

const drain = createRoute({
  ...tag,
  ...params,
  hide: true,
  method: "post",
  path: "/api/tenants/{id}/drain",
  operationId: "drainTenant",
  summary: "Ends idle clients at once and the others after their transactions, then the servers",
  responses: {
    200: json("They are ended", z.object({ data: endedSchema })),
    ...COMMON_FAILURES,
    ...BODY_FAILURES,
    ...NOT_FOUND,
  },
});

/** Adds the routes. */
export function addTrafficRoutes(app: ApiApp, parts: TrafficRouteParts): void {
  const { tenants, traffic, audit, readBody } = parts;
  const note = (context: ApiContext, verb: string, subject: string): void =>
    audit.write({ actor: context.var.actor, action: `tenant.${verb}`, subject, changes: [] });

  app.openapi(getState, async (context) => {
    const { id } = context.req.valid("param");
    await tenants.get(id);
    return context.json({ data: toTenantState(await traffic.state(id)) }, 200);
  });

  const end = async (context: ApiContext, id: string) => {
    await tenants.get(id);
    const { clients, servers } = await traffic.terminate(id);
    note(context, "terminate", id);
    return { result: `ended ${clients} clients and ${servers} servers`, clients, servers };
  };
  app.openapi(terminate, async (context) =>
    context.json(await end(context, context.req.valid("param").id), 200),
  );
  app.openapi(terminateByGet, async (context) => {
    // A HEAD comes to the handler of GET, and says that nothing shall be done.
    if (context.req.raw.method === "HEAD")
      throw new RequestRefused(405, "the method must be GET or POST", { Allow: "GET, POST" });
    return context.json(await end(context, context.req.valid("param").id), 200);
  });

  documentWithBody(app, pause, timeoutSchema, false);
  app.openapi(pause, async (context) => {
    const { id } = context.req.valid("param");
    const { timeout } = parseBody((await readBody(context)) ?? {}, timeoutSchema);
    await tenants.get(id);
    const { paused, servers } = await traffic.pause(id, timeout);
    if (!paused)
      throw new RequestRefused(
        409,
        `${servers} servers did not come back in ${timeout} ms, and servers are lent again`,
      );
    note(context, "pause", id);
    return context.json({ data: { paused, servers } }, 200);
  });

  app.openapi(resume, async (context) => {
    const { id } = context.req.valid("param");
    await tenants.get(id);
    await traffic.resume(id);
    note(context, "resume", id);
    return context.body(null, 204);
  });

  documentWithBody(app, drain, timeoutSchema, false);
  app.openapi(drain, async (context) => {
    const { id } = context.req.valid("param");
    const { timeout } = parseBody((await readBody(context)) ?? {}, timeoutSchema);
    await tenants.get(id);
    const { clients, servers } = await traffic.drain(id, timeout);
    note(context, "drain", id);
    return context.json({ data: { clients, servers } }, 200);
  });
}

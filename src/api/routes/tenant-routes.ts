/**
 * Tenants over HTTP, as in Supavisor's API: read, put, banned, deleted; and listed.
 */

import { createRoute, z } from "@hono/zod-openapi";
import { banSchema } from "../../control/ban-tenant.ts";
import { rotationSchema } from "../../control/rotate-credentials.ts";
import type { TenantControl } from "../../control/tenant-control.ts";
import { publicTenantSchema, tenantInputSchema } from "../../control/tenant-schemas.ts";
import {
  BODY_FAILURES,
  COMMON_FAILURES,
  CONFLICT,
  json,
  NOT_FOUND,
  QUERY_FAILURES,
} from "../answers.ts";
import type { ApiApp } from "../environment.ts";
import { type BodyReaders, documentWithBody } from "../operation.ts";
import { RequestRefused } from "../request-refused.ts";
import { pageQuery } from "./page-query.ts";

const TENANT_PATH = "/api/tenants/{id}";
const tag = { tags: ["Tenants"], security: [{ bearer: [] }] };

export const tenantParams = z.object({
  id: z.string().describe("The tenant's `external_id`"),
});

const answerSchema = z.object({ data: publicTenantSchema });

const listTenants = createRoute({
  ...tag,
  method: "get",
  path: "/api/tenants",
  operationId: "listTenants",
  summary: "A page of tenants, in the order of their names",
  request: {
    query: pageQuery.extend({
      search: z
        .string()
        .min(1)
        .max(63)
        .optional()
        .describe("A part of the name, the host or the database"),
      banned: z
        .enum(["true", "false"])
        .optional()
        .describe("Only tenants that are banned now, or only those that are not"),
    }),
  },
  responses: {
    200: json(
      "The page",
      z.object({
        data: z.array(publicTenantSchema),
        next: z.string().nullable().describe("`after` of the next page; null: this is the last"),
      }),
    ),
    ...COMMON_FAILURES,
    ...QUERY_FAILURES,
  },
});

const getTenant = createRoute({
  ...tag,
  method: "get",
  path: TENANT_PATH,
  operationId: "getTenant",
  summary: "A tenant, without passwords",
  request: { params: tenantParams },
  responses: { 200: json("The tenant", answerSchema), ...COMMON_FAILURES, ...NOT_FOUND },
});

const putTenant = createRoute({
  ...tag,
  hide: true,
  method: "put",
  path: TENANT_PATH,
  operationId: "putTenant",
  summary: "Makes a tenant, or changes the fields that are given",
  request: { params: tenantParams },
  responses: {
    200: json("It was changed, or already so: then nothing was done", answerSchema),
    201: {
      ...json("It was made", answerSchema),
      headers: { Location: { schema: { type: "string" as const }, description: "Its path" } },
    },
    ...COMMON_FAILURES,
    ...BODY_FAILURES,
    ...CONFLICT,
  },
});

const patchTenant = createRoute({
  ...tag,
  hide: true,
  method: "patch",
  path: TENANT_PATH,
  operationId: "banTenant",
  summary: "Bans a tenant, or lifts its ban",
  request: { params: tenantParams },
  responses: {
    200: json("The tenant", answerSchema),
    ...COMMON_FAILURES,
    ...BODY_FAILURES,
    ...NOT_FOUND,
  },
});

const deleteTenant = createRoute({
  ...tag,
  method: "delete",
  path: TENANT_PATH,
  operationId: "deleteTenant",
  summary: "Deletes a tenant, and ends its clients and servers",
  request: { params: tenantParams },
  responses: { 204: { description: "It is gone" }, ...COMMON_FAILURES, ...NOT_FOUND },
});

const updateCredentials = createRoute({
  ...tag,
  hide: true,
  method: "post",
  path: `${TENANT_PATH}/update_auth_credentials`,
  operationId: "updateCredentials",
  summary: "Gives a role another password, the old one good for a time; no connection ends",
  request: { params: tenantParams },
  responses: {
    204: { description: "They hold from now on" },
    ...COMMON_FAILURES,
    ...BODY_FAILURES,
    ...NOT_FOUND,
  },
});

/** Adds the routes. */
export function addTenantRoutes(app: ApiApp, tenants: TenantControl, readBody: BodyReaders): void {
  app.openapi(listTenants, async (context) => {
    const { after, limit, search, banned } = context.req.valid("query");
    const page = await tenants.list({
      after: after ?? null,
      limit,
      search: search ?? null,
      banned: banned === undefined ? null : banned === "true",
    });
    return context.json({ data: [...page.tenants], next: page.next }, 200);
  });

  app.openapi(getTenant, async (context) =>
    context.json({ data: await tenants.get(context.req.valid("param").id) }, 200),
  );

  documentWithBody(app, putTenant, z.object({ tenant: tenantInputSchema }));
  app.openapi(putTenant, async (context) => {
    const { id } = context.req.valid("param");
    const input = wrapped(await readBody.tenant(context), "tenant");
    const { outcome, tenant } = await tenants.put(context.var.actor, id, input);
    if (outcome !== "created") return context.json({ data: tenant }, 200);
    return context.json({ data: tenant }, 201, {
      Location: `/api/tenants/${encodeURIComponent(id)}`,
    });
  });

  documentWithBody(app, patchTenant, banSchema);
  app.openapi(patchTenant, async (context) => {
    const { id } = context.req.valid("param");
    const data = await tenants.setBan(context.var.actor, id, await readBody.small(context));
    return context.json({ data }, 200);
  });

  app.openapi(deleteTenant, async (context) => {
    await tenants.delete(context.var.actor, context.req.valid("param").id);
    return context.body(null, 204);
  });

  documentWithBody(app, updateCredentials, rotationSchema);
  app.openapi(updateCredentials, async (context) => {
    const { id } = context.req.valid("param");
    await tenants.updateCredentials(context.var.actor, id, await readBody.small(context));
    return context.body(null, 204);
  });
}

/** Returns what is under `name`, as Supavisor's bodies have it. Throws RequestRefused. */
export function wrapped(body: unknown, name: string): unknown {
  if (typeof body === "object" && body !== null && Object.hasOwn(body, name))
    return Reflect.get(body, name);
  throw new RequestRefused(400, `the body must be a map with one field: {"${name}": {…}}`);
}

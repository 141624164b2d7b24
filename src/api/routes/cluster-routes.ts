/**
 * Clusters over HTTP, as in Supavisor's API: read, put and deleted; and listed.
 */

import { createRoute, z } from "@hono/zod-openapi";
import type { ClusterControl } from "../../control/cluster-control.ts";
import { BODY_FAILURES, COMMON_FAILURES, json, NOT_FOUND, QUERY_FAILURES } from "../answers.ts";
import type { ApiApp } from "../environment.ts";
import { documentWithBody, type ReadBody } from "../operation.ts";
import { pageQuery } from "./page-query.ts";
import { wrapped } from "./tenant-routes.ts";

const CLUSTER_PATH = "/api/clusters/{alias}";
const tag = { tags: ["Clusters"], security: [{ bearer: [] }] };
const params = { request: { params: z.object({ alias: z.string() }) } };

const memberSchema = z.object({
  type: z.enum(["read", "write"]),
  active: z.boolean(),
  tenant_external_id: z.string(),
});

const clusterSchema = z
  .object({
    id: z.uuid(),
    alias: z.string(),
    active: z.boolean(),
    inserted_at: z.string(),
    updated_at: z.string(),
    cluster_tenants: z
      .array(
        memberSchema.extend({
          id: z.uuid(),
          cluster_alias: z.string(),
          inserted_at: z.string(),
          updated_at: z.string(),
        }),
      )
      .readonly(),
  })
  .meta({ id: "Cluster" });

const answerSchema = z.object({ data: clusterSchema });

const inputSchema = z.object({
  cluster: z
    .object({
      active: z.boolean().optional(),
      cluster_tenants: z.array(memberSchema.partial({ active: true })).optional(),
    })
    .meta({ id: "ClusterInput" }),
});

const listClusters = createRoute({
  ...tag,
  method: "get",
  path: "/api/clusters",
  operationId: "listClusters",
  summary: "A page of clusters, in the order of their names",
  request: { query: pageQuery },
  responses: {
    200: json(
      "The page",
      z.object({
        data: z.array(clusterSchema),
        next: z.string().nullable().describe("`after` of the next page; null: this is the last"),
      }),
    ),
    ...COMMON_FAILURES,
    ...QUERY_FAILURES,
  },
});

const getCluster = createRoute({
  ...tag,
  ...params,
  method: "get",
  path: CLUSTER_PATH,
  operationId: "getCluster",
  summary: "A cluster, with its tenants",
  responses: { 200: json("The cluster", answerSchema), ...COMMON_FAILURES, ...NOT_FOUND },
});

const putCluster = createRoute({
  ...tag,
  ...params,
  hide: true,
  method: "put",
  path: CLUSTER_PATH,
  operationId: "putCluster",
  summary: "Makes a cluster, or changes it",
  responses: {
    200: json("It was changed, or already so: then nothing was done", answerSchema),
    201: {
      ...json("It was made", answerSchema),
      headers: { Location: { schema: { type: "string" as const }, description: "Its path" } },
    },
    ...COMMON_FAILURES,
    ...BODY_FAILURES,
  },
});

const deleteCluster = createRoute({
  ...tag,
  ...params,
  method: "delete",
  path: CLUSTER_PATH,
  operationId: "deleteCluster",
  summary: "Deletes a cluster; its tenants stay",
  responses: { 204: { description: "It is gone" }, ...COMMON_FAILURES, ...NOT_FOUND },
});

/** Adds the routes. */
export function addClusterRoutes(app: ApiApp, clusters: ClusterControl, readBody: ReadBody): void {
  app.openapi(listClusters, async (context) => {
    const { after, limit } = context.req.valid("query");
    const page = await clusters.list({ after: after ?? null, limit });
    return context.json({ data: [...page.clusters], next: page.next }, 200);
  });

  app.openapi(getCluster, async (context) =>
    context.json({ data: await clusters.get(context.req.valid("param").alias) }, 200),
  );

  documentWithBody(app, putCluster, inputSchema);
  app.openapi(putCluster, async (context) => {
    const { alias } = context.req.valid("param");
    const input = wrapped(await readBody(context), "cluster");
    const { outcome, cluster } = await clusters.put(context.var.actor, alias, input);
    if (outcome !== "created") return context.json({ data: cluster }, 200);
    return context.json({ data: cluster }, 201, {
      Location: `/api/clusters/${encodeURIComponent(alias)}`,
    });
  });

  app.openapi(deleteCluster, async (context) => {
    await clusters.delete(context.var.actor, context.req.valid("param").alias);
    return context.body(null, 204);
  });
}

/**
 * Operations with a body. The document has its schema; the verb itself validates it, so that `carpool apply`
 * and the API refuse alike, in the same words.
 */

import type { RouteConfig, z } from "@hono/zod-openapi";
import type { ApiApp, ApiContext } from "./environment.ts";

/** Reads a request's JSON. Throws RequestRefused where it is none, or too large. */
export type ReadBody = (context: ApiContext) => Promise<unknown>;

/** Of a body there are two sizes: a tenant's, of thousands of users, and the few fields of all others. */
export interface BodyReaders {
  readonly tenant: ReadBody;
  readonly small: ReadBody;
}

/** Puts `route`, which is hidden from the document, into it with the body that it takes. */
export function documentWithBody(
  app: ApiApp,
  route: RouteConfig,
  schema: z.ZodType,
  required = true,
): void {
  const body = { required, content: { "application/json": { schema } } };
  app.openAPIRegistry.registerPath({ ...route, request: { ...route.request, body } });
}

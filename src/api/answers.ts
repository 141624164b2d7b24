/**
 * The answers that routes have in common, as the document describes them.
 */

import { z } from "@hono/zod-openapi";

/** A description with the schema of its JSON. */
export function json<Schema extends z.ZodType>(description: string, schema: Schema) {
  return { description, content: { "application/json": { schema } } } as const;
}

const failureSchema = z
  .object({ error: z.string().describe("The reason, in a sentence") })
  .meta({ id: "Failure" });

const stepSchema = z.union([z.string(), z.number()]);

const invalidSchema = z
  .object({
    error: z.string(),
    errors: z
      .record(z.string(), z.array(z.string()))
      .describe("What is wrong, by field: `users[0].pool_size`"),
    problems: z
      .array(
        z.object({
          path: z.array(stepSchema).describe('Where the field is: `["users", 0, "pool_size"]`'),
          message: z.string(),
          value: z
            .string()
            .optional()
            .describe("What was refused, as JSON, if it can be no secret"),
        }),
      )
      .describe("The same one by one, for programs; at most 100"),
  })
  .meta({ id: "InvalidFields" });

const incidentSchema = z
  .object({ error: z.string(), incident: z.string().describe("The number of its line in the log") })
  .meta({ id: "Incident" });

const retryAfter = {
  "Retry-After": { schema: { type: "integer" as const }, description: "Seconds" },
};

/** What every route behind authentication may answer. */
export const COMMON_FAILURES = {
  401: {
    ...json("No token, or none that is good", failureSchema),
    headers: {
      "WWW-Authenticate": { schema: { type: "string" as const }, description: "RFC 6750" },
    },
  },
  403: json("The token is blocked, or lacks a claim", failureSchema),
  429: { ...json("Too many requests", failureSchema), headers: retryAfter },
  500: json("A mistake of Carpool's", incidentSchema),
  503: json("The tenant store is away, or no key is set", failureSchema),
} as const;

export const NOT_FOUND = { 404: json("There is no such thing", failureSchema) } as const;

/** What every route with a body may answer. */
export const BODY_FAILURES = {
  400: json("The body is not JSON, or not of the right form", failureSchema),
  413: json("The body is too large", failureSchema),
  415: json("The body has another Content-Type", failureSchema),
  422: json("Fields are wrong", invalidSchema),
} as const;

export const CONFLICT = {
  409: json("Another tenant has the `sni_hostname`", invalidSchema),
} as const;

/** What a query string that is wrong is told. */
export const QUERY_FAILURES = { 422: json("Parameters are wrong", invalidSchema) } as const;

/** The state of the tenant forbids it. */
export const STATE_CONFLICT = {
  409: json("It could not be done in time", failureSchema),
} as const;

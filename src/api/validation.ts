/**
 * Values that the API validates itself: small bodies, and query strings.
 */

import type { z } from "@hono/zod-openapi";
import { InvalidFieldsError } from "../control/control-errors.ts";

/** Returns `body` as `schema` has it. Throws InvalidFieldsError. */
export function parseBody<Schema extends z.ZodType>(
  body: unknown,
  schema: Schema,
): z.output<Schema> {
  const parsed = schema.safeParse(body);
  if (parsed.success) return parsed.data;
  throw invalidFields(parsed.error.issues);
}

/** Returns the error that names each field. */
export function invalidFields(issues: readonly z.core.$ZodIssue[]): InvalidFieldsError {
  return new InvalidFieldsError(
    issues.flatMap((issue) => {
      const path = issue.path.filter((step) => typeof step !== "symbol");
      if (issue.code !== "unrecognized_keys")
        return [{ path, message: path.length === 0 ? "must be a map of fields" : issue.message }];
      return issue.keys.map((key) => ({ path: [...path, key], message: "is not a known field" }));
    }),
  );
}

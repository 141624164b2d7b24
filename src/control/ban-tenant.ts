/**
 * Bans a tenant, or lifts its ban: what a PATCH of the API says, as with Supavisor.
 */

import { z } from "zod";
import type { FieldProblem } from "../tenants/field-problem.ts";
import { line, momentField } from "../tenants/field-schemas.ts";
import type { StoredTenant, Tenant } from "../tenants/tenant.ts";
import { InvalidFieldsError } from "./control-errors.ts";

/** What a PATCH takes. */
export const banSchema = z.strictObject({
  banned: z.boolean("must be true or false"),
  ban_reason: line(255).nullish(),
  banned_until: momentField.nullish(),
});

/**
 * Returns `stored` with the ban of `input`: `{banned, ban_reason, banned_until}`. A ban that there is
 * keeps its beginning.
 * @param now ISO 8601 in UTC, as times are in the store
 * Throws InvalidFieldsError.
 */
export function banTenant(stored: StoredTenant, input: unknown, now: string): Tenant {
  const parsed = banSchema.safeParse(input);
  if (!parsed.success) throw new InvalidFieldsError(parsed.error.issues.flatMap(problemsOf));
  const { banned, ban_reason: reason, banned_until: until } = parsed.data;
  const { id: _id, inserted_at: _insertedAt, updated_at: _updatedAt, ...tenant } = stored;
  if (!banned) return { ...tenant, banned_at: null, banned_until: null, ban_reason: null };
  if (reason === null || reason === undefined)
    throw invalid("ban_reason", "is required to ban a tenant");
  if (typeof until === "string" && until <= now)
    throw invalid("banned_until", "must lie ahead, or be left out for a ban without an end");
  const banned_at = stored.banned_at ?? now;
  return { ...tenant, banned_at, banned_until: until ?? null, ban_reason: reason };
}

function problemsOf(issue: z.core.$ZodIssue): FieldProblem[] {
  if (issue.code === "unrecognized_keys")
    return issue.keys.map((key) => ({
      path: [key],
      message: "is not known: banned, ban_reason and banned_until are",
    }));
  const path = issue.path.filter((step) => typeof step !== "symbol");
  const message = path.length === 0 ? "must be a map with banned: true or false" : issue.message;
  return [{ path, message }];
}

function invalid(field: string, message: string): InvalidFieldsError {
  return new InvalidFieldsError([{ path: [field], message }]);
}

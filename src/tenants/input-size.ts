/**
 * Whether what somebody sends as a tenant is of a size worth looking at. Validation takes its time for each
 * field and each item, and nobody else is served meanwhile; so what is far too much is refused unseen.
 */

import type { FieldPath, FieldProblem } from "./field-problem.ts";

/** Most items of each list. */
export const LIST_ITEMS_MAX = {
  /** Every login walks this list. */
  allow_list: 1000,
  /** A tenant is read as a whole; more roles than this belong behind an `auth_query`. */
  users: 10_000,
} as const;

/** Of a tenant or a user: more than twice as many as there are, for those that are not known. */
const FIELDS_MAX = 200;

/** Of `feature_flags` and `default_parameter_status`: more than PostgreSQL reports, or anybody switches. */
const MAP_ENTRIES_MAX = 200;

/** Returns what is too much in `input`, of whatever form it is; nothing if it can be validated. */
export function sizeProblems(input: unknown): readonly FieldProblem[] {
  const problems = tooMany(input, [], FIELDS_MAX, "fields");
  if (problems.length > 0) return problems;
  const users = valueOf(input, "users");
  return [
    ...Object.entries(LIST_ITEMS_MAX).flatMap(([field, itemsMax]) =>
      tooMany(valueOf(input, field), [field], itemsMax, field === "users" ? "users" : "ranges"),
    ),
    ...["feature_flags", "default_parameter_status"].flatMap((field) =>
      tooMany(valueOf(input, field), [field], MAP_ENTRIES_MAX, "entries"),
    ),
    ...(Array.isArray(users) && users.length <= LIST_ITEMS_MAX.users
      ? users.flatMap((user: unknown, index) =>
          tooMany(user, ["users", index], FIELDS_MAX, "fields"),
        )
      : []),
  ];
}

function tooMany(value: unknown, path: FieldPath, max: number, noun: string): FieldProblem[] {
  if (typeof value !== "object" || value === null) return [];
  const count = Array.isArray(value) ? value.length : Object.keys(value).length;
  return count <= max ? [] : [{ path, message: `must have at most ${max} ${noun}` }];
}

function valueOf(input: unknown, field: string): unknown {
  return typeof input === "object" && input !== null ? Reflect.get(input, field) : undefined;
}
